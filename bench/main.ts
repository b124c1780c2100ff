// `npm run bench`: measures the figures one after the other, prints them, keeps them in bench/results as JSON and as a page, and
// compares. Exit 0 when all is well, 1 when a ratio fell, a gate is missed or a bench failed, 2 when asked for what there is not.
// Invariant: temporary data is removed, the broker of the bench taken down.
import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type BenchArguments, parseArguments, usage } from './arguments.ts'
import { CALIBRATION, figureTimes } from './benches.ts'
import { closeBroker } from './broker.ts'
import { type BenchOptions, type Figure, isFigure, type Outcome, type Unmeasured } from './figure.ts'
import { machine, versions as versionsUsed } from './machine.ts'
import { chooseNode, type NodeChoice, planNode, versionsOf } from './node-choice.ts'
import { type PlotLibrary, renderPage } from './page.ts'
import { renderDetails, renderFigures, renderGates, renderProblem, renderUnmeasured } from './report.ts'
import { type Baseline, findProblems, parseBaseline } from './verdict.ts'

/** npm starts scripts in the folder of package.json. */
const root = process.cwd()
const baselineFile = join(root, 'bench/baseline.json')
const resultsFile = join(root, 'bench/results/latest.json')
const pageFile = join(root, 'bench/results/latest.html')

async function main(words: readonly string[]): Promise<number> {
  const parsed = parseArguments(words, figureTimes)
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(usage)
      return 0
    case 'refused':
      process.stderr.write(`${parsed.reasons.join('\n')}\n\n${usage}`)
      return 2
    case 'run':
      return await bench(parsed.arguments)
  }
}

async function bench(wanted: BenchArguments): Promise<number> {
  const node = chooseNode(planNode(wanted.node, process.versions.node))
  const versions = versionsOf(node.path)
  const { only, messages, runs, minutes } = wanted
  process.stderr.write(`K2 runs on Node ${versions['node']}: ${node.why}\n`)
  const folder = mkdtempSync(join(tmpdir(), 'k2-bench-'))
  const options = { root, folder, messages, runs, minutes }
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      running?.kill('SIGTERM')
      void closeBroker(options).finally(() => process.exit(1))
    })
  }
  const { outcomes, failures } = await measureAll([...new Set([CALIBRATION, ...only])], options, node).finally(() =>
    closeBroker(options),
  )
  const figures = outcomes.filter(isFigure)
  const baseline: Baseline = existsSync(baselineFile) ? parseBaseline(readFileSync(baselineFile, 'utf8')) : {}
  const problems = [...failures, ...findProblems(figures, baseline).map(renderProblem)]
  const document = {
    at: new Date().toISOString(),
    machine: machine(),
    node: { version: versions['node'] ?? '', why: node.why },
    versions: versionsUsed(root, versions),
    options: { messages, runs, minutes },
    figures,
    unmeasured: outcomes.filter((outcome): outcome is Unmeasured => !isFigure(outcome)),
    problems,
  }
  mkdirSync(join(root, 'bench/results'), { recursive: true })
  writeJson(resultsFile, document)
  writeFileSync(pageFile, renderPage({ ...document, baseline }, plotLibrary()))
  process.stdout.write(`${renderFigures(figures, baseline)}${renderDetails(figures)}${renderGates(figures)}`)
  if (wanted.saveBaseline) saveBaseline(figures, baseline)
  for (const text of [...document.unmeasured.map(renderUnmeasured), ...problems]) process.stdout.write(`${text}\n`)
  process.stdout.write(`plots: ${pathToFileURL(pageFile)}\n`)
  return problems.length === 0 ? 0 : 1
}

/** uPlot as it comes, to be written into the page. */
function plotLibrary(): PlotLibrary {
  const folder = join(dirname(createRequire(import.meta.url).resolve('uplot/package.json')), 'dist')
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  return { script: read('uPlot.iife.min.js'), style: read('uPlot.min.css') }
}

interface Measured {
  readonly outcomes: readonly Outcome[]
  readonly failures: readonly string[]
}

/** One after the other; one that fails leaves the others be. */
async function measureAll(names: readonly string[], options: BenchOptions, node: NodeChoice): Promise<Measured> {
  const outcomes: Outcome[] = []
  const failures: string[] = []
  for (const name of names) {
    process.stderr.write(`${name} …\n`)
    try {
      outcomes.push(...(await measure(name, options, node)))
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  return { outcomes, failures }
}

/** The process of the figure that is measured now: it ends with the bench. */
let running: ChildProcess | null = null

/** One bench in a process of its own. */
function measure(name: string, options: BenchOptions, node: NodeChoice): Promise<readonly Outcome[]> {
  const entry = new URL(`./figure-process${extname(fileURLToPath(import.meta.url))}`, import.meta.url)
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(entry), [name, JSON.stringify(options)], { execPath: node.path })
    running = child
    let outcomes: readonly Outcome[] | null = null
    child.on('message', (message) => {
      // The cast: figure-process.ts sends nothing else.
      outcomes = message as readonly Outcome[]
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (outcomes !== null && code === 0) resolve(outcomes)
      else reject(new Error(`${name}: failed with ${code ?? signal}; what it said is above`))
    })
  })
}

/** Figures that were not measured keep the ratio they had. */
function saveBaseline(figures: readonly Figure[], before: Baseline): void {
  const measured = figures.flatMap(({ name, ratio }) =>
    ratio === null ? [] : [[name, Number(ratio.toFixed(3))] as const],
  )
  writeJson(baselineFile, { machine: machine(), ratios: { ...before, ...Object.fromEntries(measured) } })
}

const writeJson = (path: string, document: object): void =>
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`)

process.exit(await main(process.argv.slice(2)))
