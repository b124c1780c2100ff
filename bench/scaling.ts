// `npm run bench:scaling`: takes what the model of docs/scaling.md needs from the last bench, keeps it in bench/scaling.json, and writes the
// tables of the document anew. Exit 1 where the last bench did not measure `line-kafka`.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import { renderScaling, type ScalingInputs } from './scaling-model.ts'

/** npm starts scripts in the folder of package.json. */
const root = process.cwd()
const document = join(root, 'docs/scaling.md')
const [open, close] = ['<!-- scaling -->', '<!-- /scaling -->']

interface Results {
  readonly at: string
  readonly machine: { readonly cpu: string }
  readonly node: { readonly version: string }
  readonly options: { readonly messages: number }
  readonly figures: readonly Figure[]
}

function inputsOf({ at, machine, node, options, figures }: Results): ScalingInputs {
  const line = figures.find(({ name }) => name === 'line-kafka')
  if (line === undefined) throw new Error('the last bench has no figure line-kafka: run npm run bench first')
  const detail = (name: string): number => {
    const found = line.details?.find((each) => each.name === name)?.value
    if (found === undefined) throw new Error(`line-kafka of the last bench does not say: ${name}`)
    return round(found)
  }
  return {
    at,
    cpu: machine.cpu,
    node: node.version,
    messages: options.messages,
    cpuUsPerMessage: round(line.cpuUsPerMessage ?? Number.NaN),
    mainCpuUsPerMessage: detail('CPU of the main thread'),
    brokerCpuUsPerMessage: detail('CPU of the broker'),
    rssMb: line.rssMb ?? Number.NaN,
    brokerBytesPerMessage: detail('bytes at the broker'),
    tableBytesPerMessage: detail('bytes in the table'),
    rowsPerFile: Math.round(options.messages / detail('data files')),
    commitMs: detail('a commit, median'),
  }
}

const round = (value: number): number => Number(value.toPrecision(3))

// The cast: main.ts of this folder wrote it.
const inputs = inputsOf(JSON.parse(readFileSync(join(root, 'bench/results/latest.json'), 'utf8')) as Results)
writeFileSync(join(root, 'bench/scaling.json'), `${JSON.stringify(inputs, null, 2)}\n`)
const text = readFileSync(document, 'utf8')
const [start, end] = [text.indexOf(open), text.indexOf(close)]
if (start === -1 || end < start) throw new Error(`docs/scaling.md has no ${open} … ${close}`)
writeFileSync(document, `${text.slice(0, start)}${open}\n${renderScaling(inputs)}\n${text.slice(end)}`)
