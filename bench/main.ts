// `npm run bench`: measures the figures one after the other, prints them, keeps them in bench/results/latest.json, and compares. Exit 0
// when all is well, 1 when a ratio fell, a gate is missed or a bench failed, 2 when asked for what there is not. Invariant: temporary data is removed.
import { fork } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BenchArguments, parseArguments, usage } from './arguments.ts'
import { benches } from './benches.ts'
import type { BenchOptions, Figure } from './figure.ts'
import { machine, versions } from './machine.ts'
import { renderFigures, renderGates, renderProblem } from './report.ts'
import { type Baseline, findProblems, parseBaseline } from './verdict.ts'

/** npm starts scripts in the folder of package.json. */
const root = process.cwd()
const baselineFile = join(root, 'bench/baseline.json')
const resultsFile = join(root, 'bench/results/latest.json')

async function main(words: readonly string[]): Promise<number> {
  const parsed = parseArguments(words, [...benches.keys()])
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
  const folder = mkdtempSync(join(tmpdir(), 'k2-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
  const { messages, runs } = wanted
  const figures: Figure[] = []
  const failures: string[] = []
  for (const name of wanted.only) {
    process.stderr.write(`${name} …\n`)
    try {
      figures.push(...(await measure(name, { root, folder, messages, runs })))
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  const baseline: Baseline = existsSync(baselineFile) ? parseBaseline(readFileSync(baselineFile, 'utf8')) : {}
  mkdirSync(join(root, 'bench/results'), { recursive: true })
  writeJson(resultsFile, { machine: machine(), versions: versions(root), options: { messages, runs }, figures })
  process.stdout.write(`${renderFigures(figures, baseline)}${renderGates(figures)}`)
  if (wanted.saveBaseline) saveBaseline(figures, baseline)
  const problems = [...failures, ...findProblems(figures, baseline).map(renderProblem)]
  for (const problem of problems) process.stdout.write(`${problem}\n`)
  return problems.length === 0 ? 0 : 1
}

/** One bench in a process of its own. */
function measure(name: string, options: BenchOptions): Promise<readonly Figure[]> {
  const entry = new URL(`./figure-process${extname(fileURLToPath(import.meta.url))}`, import.meta.url)
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(entry), [name, JSON.stringify(options)])
    let figures: readonly Figure[] | null = null
    child.on('message', (message) => {
      // The cast: figure-process.ts sends nothing else.
      figures = message as readonly Figure[]
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (figures !== null && code === 0) resolve(figures)
      else reject(new Error(`${name}: failed with ${code ?? signal}; what it said is above`))
    })
  })
}

/** Figures that were not measured keep the ratio they had. */
function saveBaseline(figures: readonly Figure[], before: Baseline): void {
  const measured = figures.map((figure) => [figure.name, Number(figure.ratio.toFixed(3))] as const)
  writeJson(baselineFile, { machine: machine(), ratios: { ...before, ...Object.fromEntries(measured) } })
}

const writeJson = (path: string, document: object): void =>
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`)

process.exit(await main(process.argv.slice(2)))
