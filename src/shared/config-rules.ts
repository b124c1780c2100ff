// Rules between the options of one call: what contradicts, what belongs together, what would wait for ever. Pure; a part of config.ts.
// Invariant: values that were refused are null here, so that one mistake is told once.
import type { CommandName } from './command-table.ts'
import type { OptionRow } from './option-row.ts'
import type { OptionValue } from './option-values.ts'

/** By what name a problem calls an option that was given. */
interface Given {
  readonly origin: string
}
type Values = Readonly<Record<string, OptionValue | null>>

/** Every problem between options, one line each. `given`: by the option's name. */
export const crossProblems = (
  command: CommandName,
  rows: readonly OptionRow[],
  given: ReadonlyMap<string, Given>,
  values: Values,
): readonly string[] => [...contradictions(command, rows, given, values), ...targetProblems(command, values)]

/** Rules between options. Defaults take part: a chunk that cannot fit the queue would wait for ever. */
function contradictions(
  command: CommandName,
  rows: readonly OptionRow[],
  given: ReadonlyMap<string, Given>,
  values: Values,
): readonly string[] {
  const problems: string[] = []
  for (const row of rows) {
    for (const other of row.conflicts ?? []) {
      const [mine, theirs] = [given.get(row.name), given.get(other)]
      if (mine === undefined || theirs === undefined) continue
      if (values[row.name] !== false && values[other] !== false)
        problems.push(`${mine.origin} contradicts ${theirs.origin}`)
    }
  }
  problems.push(...sourceProblems(command, rows, given, values))
  const { chunkBytes, queueBytes } = values
  if (typeof chunkBytes === 'number' && typeof queueBytes === 'number' && chunkBytes > queueBytes) {
    problems.push(`--chunk-bytes ${chunkBytes} is more than --queue-bytes ${queueBytes}: no chunk would ever fit`)
  }
  return problems
}

/** A run and a proof read, and a feed writes, a log directory or a cluster; what is about one of them means nothing with the other. */
function sourceProblems(
  command: CommandName,
  rows: readonly OptionRow[],
  given: ReadonlyMap<string, Given>,
  values: Values,
): readonly string[] {
  if (!rows.some((row) => row.name === 'brokers')) return []
  const { brokers, start } = values
  const isLone = (values['saslUsername'] === null) !== (values['saslPassword'] === null)
  const loneProblems = [
    ...(isLone ? ['--sasl-username and --sasl-password belong together'] : []),
    ...((values['sslCert'] === null) === (values['sslKey'] === null)
      ? []
      : ['--ssl-cert and --ssl-key belong together']),
  ]
  // What shows tables, or shows or sets positions, may do without either.
  if (command.startsWith('positions ') || command.startsWith('tables ')) return loneProblems
  const isNone = (place: string): boolean => values[place] === null && brokers === null && !given.has(place)
  if (isNone('source')) {
    return ['--source or --brokers is required: a log directory, or the Kafka brokers to read from']
  }
  if (isNone('to')) {
    return ['--to or --brokers is required: a log directory, or the Kafka brokers to write to']
  }
  const isTime = typeof start === 'object' && start !== null && 'kind' in start && start.kind === 'time'
  return [
    ...(isTime && brokers === null
      ? ['--start with a time needs --brokers: a log directory has no index of times']
      : []),
    ...loneProblems,
  ]
}

/** A position is set by a number, or by what a source says. */
function targetProblems(command: CommandName, values: Values): readonly string[] {
  if (command !== 'positions set' && command !== 'positions adopt') return []
  const { offset, fromFile, source, brokers, partition, topic } = values
  if (offset === null && fromFile === null) {
    return command === 'positions set' ? ['--offset or --from-file is required: where the partitions are set to'] : []
  }
  const kind = typeof offset === 'object' && offset !== null && 'kind' in offset ? offset.kind : null
  const hasSource = source !== null || brokers !== null
  if ((kind === 'earliest' || kind === 'latest') && !hasSource) {
    return [`--offset ${kind} needs --brokers or --source, which knows where that is`]
  }
  if (kind === 'time' && brokers === null) return ['--offset with a time needs --brokers: they have an index of times']
  if (kind === 'offset' && partition === null) return ['--offset with a number needs --partition, which it is for']
  if (kind === 'offsets' && (partition !== null || topic !== null)) {
    return ['--offset names topics and partitions itself: leave --topic and --partition out']
  }
  return []
}
