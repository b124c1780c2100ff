// The proof of k2 verify on the terminal: a row per partition, why offsets have no row, the first differences, the verdict. Pure.
import {
  countDifferences,
  type DifferenceReport,
  type PartitionReport,
  type VerifyReport,
} from '../../shared/verify/report.ts'
import { formatNumber, type Style } from './style.ts'
import { type Column, renderTable } from './table.ts'

const COLUMNS: readonly Column[] = [
  { title: 'Topic', align: 'left' },
  ...['Partition', 'Offsets', 'Records', 'Rows', 'Equal', 'Explained', 'Missing', 'Duplicate', 'Extra', 'Changed'].map(
    (title): Column => ({ title, align: 'right' }),
  ),
]
/** Beyond this many partitions only those with a difference are listed; the total counts all. */
const ROWS_MAX = 64

const REASONS: ReadonlyArray<readonly [keyof PartitionReport['explained'], string]> = [
  ['deadLetters', 'dead letters'],
  ['tombstones', 'tombstones'],
  ['compacted', 'compacted away, or left out by the producer'],
  ['control', 'control records of transactions'],
  ['aborted', 'aborted transactions'],
  ['open', 'transactions still open'],
  ['acceptedGap', 'in gaps that were accepted as lost'],
  ['belowLogStart', 'below the start of the log: the source no longer says'],
]

export function renderProof(report: VerifyReport, style: Style): string {
  const lines = [
    `${style.bold('Proof')} ${report.table}, snapshot ${report.snapshotId ?? 'none'}`,
    partitionTable(report).trimEnd(),
    ...remarks(report),
    ...report.problems.map((problem) => style.red(`Problem: ${problem}`)),
    ...report.examples.flatMap((example) => exampleLines(example, style)),
    verdict(report, style),
  ]
  return `${lines.join('\n')}\n`
}

function partitionTable({ partitions, totals }: VerifyReport): string {
  const listed = partitions.length <= ROWS_MAX ? partitions : partitions.filter(countDifferences).slice(0, ROWS_MAX)
  const rows = listed.map((partition) => [
    partition.topic,
    String(partition.partition),
    `[${partition.start}, ${partition.next})`,
    ...counts(partition, explainedOffsets(partition)),
  ])
  const offsets = partitions.reduce((sum, { start, next }) => sum + BigInt(next) - BigInt(start), 0n)
  const explained = partitions.reduce((sum, partition) => sum + explainedOffsets(partition), 0)
  const name = listed.length === partitions.length ? 'total' : 'total, with those not listed'
  rows.push([name, formatNumber(partitions.length), formatNumber(offsets), ...counts(totals, explained)])
  return renderTable(COLUMNS, rows)
}

type Counts = Pick<
  PartitionReport,
  'sourceRecords' | 'tableRows' | 'equal' | 'missing' | 'duplicate' | 'extra' | 'changed'
>

const counts = (of: Counts, explained: number): readonly string[] =>
  [of.sourceRecords, of.tableRows, of.equal, explained, of.missing, of.duplicate, of.extra, of.changed].map((count) =>
    formatNumber(count),
  )

const explainedOffsets = ({ explained }: PartitionReport): number =>
  Object.values(explained).reduce((sum, count) => sum + count, 0)

/** What the figures do not say by themselves. */
function remarks({ partitions, totals, contested, adoptedRows, foreignRows }: VerifyReport): readonly string[] {
  const reasons = REASONS.map(([key, text]) => [
    partitions.reduce((sum, { explained }) => sum + explained[key], 0),
    text,
  ])
  const { goneFromSource, notYetCommitted, replayed } = totals
  return [
    ...reasons
      .filter(([count]) => count !== 0)
      .map(([count, text]) => `  explained: ${formatNumber(Number(count))} ${text}`),
    ...(goneFromSource === 0 ? [] : [`  ${formatNumber(goneFromSource)} rows whose record the source no longer holds`]),
    ...(replayed === 0
      ? []
      : [`  ${formatNumber(replayed)} rows replayed from dead letters, which stay in their table`]),
    ...(adoptedRows === 0
      ? []
      : [`  ${formatNumber(adoptedRows)} rows of another writer, from before k2 took the table over`]),
    ...(foreignRows === 0 ? [] : [`  ${formatNumber(foreignRows)} rows of another writer: they claim no record`]),
    ...(notYetCommitted === 0 ? [] : [`  ${formatNumber(notYetCommitted)} records beyond the committed positions`]),
    ...Object.entries(contested).map(
      ([code, count]) => `  ${formatNumber(count)} dead letters (${code}) whose record this check can read`,
    ),
  ]
}

function exampleLines(example: DifferenceReport, style: Style): readonly string[] {
  const { kind, topic, partition, offset, reason, columns } = example
  return [
    style.red(`${kind}: ${topic} ${partition} offset ${offset}: ${reason}`),
    ...columns.map(({ column, source, table }) => `  ${column}: source ${source}, table ${table}`),
  ]
}

function verdict({ verdict: equal, totals, problems, durationMs }: VerifyReport, style: Style): string {
  const { missing, duplicate, extra, changed } = totals
  const found = `${missing} missing, ${duplicate} duplicate, ${extra} extra, ${changed} changed`
  if (equal === 'equal') {
    return style.green(`PROVEN: table and source are equal: ${found} (${formatNumber(durationMs / 1000, 2)} s)`)
  }
  return style.red(`NOT PROVEN: ${found}, ${problems.length} problems`)
}
