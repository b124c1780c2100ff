// What `npm run bench` is asked for. Pure. Invariant: what is not understood is refused, never passed over.
import { parseArgs } from 'node:util'

export interface BenchArguments {
  readonly only: readonly string[]
  readonly messages: number
  readonly runs: number
  readonly saveBaseline: boolean
}

export type Parsed =
  | { readonly kind: 'run'; readonly arguments: BenchArguments }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }

export const usage = `npm run bench -- [options]

  --only <name,…>    only these figures
  --messages <n>     messages of the whole line, default 2,000,000
  --runs <n>         runs of the whole line, of which the median counts, default 3; stages run a multiple
  --save-baseline    write the ratios of this bench to bench/baseline.json
`

const options = {
  only: { type: 'string' },
  messages: { type: 'string', default: '2000000' },
  runs: { type: 'string', default: '3' },
  'save-baseline': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** All problems at once. */
export function parseArguments(words: readonly string[], names: readonly string[]): Parsed {
  let values: ReturnType<typeof parse>
  try {
    values = parse(words)
  } catch (error) {
    return { kind: 'refused', reasons: [error instanceof Error ? error.message : String(error)] }
  }
  if (values.help) return { kind: 'help' }
  const only = values.only === undefined ? names : values.only.split(',').map((name) => name.trim())
  const reasons = [
    ...only
      .filter((name) => !names.includes(name))
      .map((name) => `--only: there is no figure '${name}'; there are ${names.join(', ')}`),
    ...(['messages', 'runs'] as const)
      .filter((name) => !/^[1-9]\d{0,9}$/.test(values[name]))
      .map((name) => `--${name}: '${values[name]}' is no whole number above 0`),
  ]
  if (reasons.length > 0) return { kind: 'refused', reasons }
  const { messages, runs } = values
  const wanted = { only, messages: Number(messages), runs: Number(runs), saveBaseline: values['save-baseline'] }
  return { kind: 'run', arguments: wanted }
}

const parse = (words: readonly string[]) =>
  parseArgs({ args: [...words], options, strict: true, allowPositionals: false }).values
