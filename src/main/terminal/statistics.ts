// The statistics block at the end of a run, and the same as a JSON document. Only what was measured is printed. Pure.
import { perSecond } from './batch-table.ts'
import { formatNumber, type Style } from './style.ts'

/** A stretch of a run. */
export interface Phase {
  readonly messages: number
  readonly durationMs: number
}

export interface RunStatistics {
  /** Records read from the source and committed, whatever became of them. */
  readonly consumed: number
  /** Rows added to main tables. */
  readonly written: number
  readonly deadLetters: number
  readonly tombstonesSkipped: number
  readonly errors: number
  readonly commits: number
  readonly durationMs: number
  /** From the start of the run to its first commit: threads, schemas and code getting warm. Null without a commit. */
  readonly coldStart: Phase | null
  /** After the first commit. Null with fewer than two. */
  readonly steadyState: Phase | null
}

export function renderStatistics(statistics: RunStatistics, style: Style): string {
  const { consumed, durationMs, errors } = statistics
  const lines = [
    style.bold('Statistics:'),
    `  Messages consumed: ${formatNumber(consumed)}`,
    `  Messages written: ${formatNumber(statistics.written)}`,
    `  Dead letters: ${formatNumber(statistics.deadLetters)}`,
    `  Tombstones skipped: ${formatNumber(statistics.tombstonesSkipped)}`,
    errors === 0 ? '  Errors: 0' : style.red(`  Errors: ${formatNumber(errors)}`),
    `  Commits: ${formatNumber(statistics.commits)}`,
    `  Duration: ${formatNumber(durationMs / 1000, 2)} seconds`,
    `  Throughput: ${formatNumber(perSecond(consumed, durationMs), 2)} msg/sec`,
  ]
  if (statistics.coldStart !== null)
    lines.push(`    cold start: ${phaseText(statistics.coldStart)} to the first commit`)
  if (statistics.steadyState !== null) lines.push(`    steady state: ${phaseText(statistics.steadyState)} after it`)
  return `${lines.join('\n')}\n`
}

const phaseText = ({ messages, durationMs }: Phase): string =>
  `${formatNumber(perSecond(messages, durationMs), 2)} msg/sec, ` +
  `${formatNumber(messages)} messages in ${formatNumber(durationMs / 1000, 2)} seconds`

/** For --json: the same figures with their throughputs, names as in the report of the predecessor. */
export const statisticsDocument = (statistics: RunStatistics): object => ({
  messages_consumed: statistics.consumed,
  messages_written: statistics.written,
  dead_letters: statistics.deadLetters,
  tombstones_skipped: statistics.tombstonesSkipped,
  errors: statistics.errors,
  commits: statistics.commits,
  duration_ms: statistics.durationMs,
  throughput_per_second: perSecond(statistics.consumed, statistics.durationMs),
  cold_start: statistics.coldStart === null ? null : phaseDocument(statistics.coldStart),
  steady_state: statistics.steadyState === null ? null : phaseDocument(statistics.steadyState),
})

const phaseDocument = ({ messages, durationMs }: Phase): object => ({
  messages,
  duration_ms: durationMs,
  throughput_per_second: perSecond(messages, durationMs),
})
