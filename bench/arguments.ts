// What `npm run bench` is asked for. Pure. Invariant: what is not understood is refused, never passed over.
import { parseArgs } from 'node:util'

export interface BenchArguments {
  readonly only: readonly string[]
  readonly messages: number
  readonly runs: number
  readonly minutes: number
  /** Path or version of the Node that K2 runs on; null: chosen by the bench. */
  readonly node: string | null
  readonly saveBaseline: boolean
}

export type Parsed =
  | { readonly kind: 'run'; readonly arguments: BenchArguments }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }

/** When a figure is measured without being named: always, with --long, or with --peer python. */
export type When = 'always' | 'long' | 'python'

export const usage = `npm run bench -- [options]

  --only <name,…>      only these figures
  --messages <n>       messages of the whole line, default 2,000,000; with --long 10,000,000
  --runs <n>           runs of the whole line, of which the median counts, default 3; stages run a multiple
  --long               the long figures, too: all of it takes most of an hour
  --minutes <n>        how long the long figures watch a process, default 10
  --peer python        the same drain by Python beside it: confluent-kafka, polars, pyiceberg
  --node <path|version>  Node that K2 runs on; default: this one from 22.15 on, else 24 from npm
  --save-baseline      write the ratios of this bench to bench/baseline.json
`

const options = {
  only: { type: 'string' },
  messages: { type: 'string' },
  runs: { type: 'string', default: '3' },
  minutes: { type: 'string', default: '10' },
  long: { type: 'boolean', default: false },
  peer: { type: 'string' },
  node: { type: 'string' },
  'save-baseline': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const SHORT_MESSAGES = '2000000'
const LONG_MESSAGES = '10000000'

/** All problems at once. `figures`: every figure there is, in the order in which they are measured. */
export function parseArguments(words: readonly string[], figures: ReadonlyMap<string, When>): Parsed {
  let values: ReturnType<typeof parse>
  try {
    values = parse(words)
  } catch (error) {
    return { kind: 'refused', reasons: [error instanceof Error ? error.message : String(error)] }
  }
  if (values.help) return { kind: 'help' }
  const only = values.only === undefined ? usualFigures(values, figures) : named(values.only)
  const messages = values.messages ?? (values.long ? LONG_MESSAGES : SHORT_MESSAGES)
  const { runs, minutes, peer, node = null } = values
  const numbers = { messages, runs, minutes }
  const reasons = [
    ...only
      .filter((name) => !figures.has(name))
      .map((name) => `--only: there is no figure '${name}'; there are ${[...figures.keys()].join(', ')}`),
    ...Object.entries(numbers)
      .filter(([, value]) => !/^[1-9]\d{0,9}$/.test(value))
      .map(([name, value]) => `--${name}: '${value}' is no whole number above 0`),
    ...(peer === undefined || peer === 'python' ? [] : [`--peer: there is no peer '${peer}'; there is python`]),
    ...(node === '' ? ['--node: neither a path nor a version'] : []),
  ]
  if (reasons.length > 0) return { kind: 'refused', reasons }
  const counts = { messages: Number(messages), runs: Number(runs), minutes: Number(minutes) }
  return { kind: 'run', arguments: { only, ...counts, node, saveBaseline: values['save-baseline'] } }
}

const parse = (words: readonly string[]) =>
  parseArgs({ args: [...words], options, strict: true, allowPositionals: false }).values

const named = (list: string): readonly string[] => list.split(',').map((name) => name.trim())

function usualFigures(
  { long, peer }: { readonly long: boolean; readonly peer?: string },
  figures: ReadonlyMap<string, When>,
): readonly string[] {
  const wanted: ReadonlySet<When> = new Set<When>([
    'always',
    ...(long ? (['long'] as const) : []),
    ...(peer === undefined ? [] : (['python'] as const)),
  ])
  return [...figures].filter(([, when]) => wanted.has(when)).map(([name]) => name)
}
