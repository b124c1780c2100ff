// What `k2 tables show` says of a table: identity, totals, files by size, partitions, schema, snapshots, progress, and how others read
// it. Pure.
import { POSITIONS_PROPERTY } from '../../shared/commit/positions.ts'
import { kafkaTopicsOf } from '../../shared/commit/replay-position.ts'
import { APPLIED_PROPERTY } from '../../shared/commit/side-tables.ts'
import type { SideFact } from '../tables/health.ts'
import type { SizeClass } from '../tables/size-classes.ts'
import { listRefs, listSnapshots, oldestSnapshot } from '../tables/snapshot-rows.ts'
import type { TableKind } from '../tables/table-kind.ts'
import type { TableLook } from '../tables/table-look.ts'
import { committedMs, lagOf, type Progress, positionsIn, type SourceState } from '../tables/table-progress.ts'
import { ageText, counted, sizeText, timeText } from './quantities.ts'
import type { ReaderLine } from './reader-lines.ts'
import { partitionText, schemaLines, sortText } from './schema-text.ts'
import { formatNumber, type Style } from './style.ts'
import { type Column, renderTable } from './table.ts'
import { kindText } from './table-list.ts'
import { refLines, snapshotLines } from './table-snapshots.ts'

export interface TableReport {
  readonly look: TableLook
  readonly kind: TableKind
  readonly progress: Progress
  readonly source: SourceState
  /** Side tables that this one must have. */
  readonly sides: readonly SideFact[]
  readonly readers: readonly ReaderLine[]
  readonly nowMs: number
  readonly byPartition: boolean
}

/** Newest snapshots shown; `k2 tables snapshots` has all. */
const SNAPSHOTS_MAX = 5
const GAPS_MAX = 5

export function renderTableReport(report: TableReport, style: Style): string {
  const { look, kind } = report
  const { metadata } = look
  const { rows } = listSnapshots(metadata, positionsIn(report.progress), { limit: SNAPSHOTS_MAX, sinceMs: null })
  const rest = metadata.snapshots.length - rows.length
  const sections: ReadonlyArray<readonly [title: string, lines: readonly string[]]> = [
    [`Files by size (aimed at: ${sizeText(look.files.targetBytes)})`, sizeLines(look)],
    ...(report.byPartition ? [['Partitions', partitionLines(look)] as const] : []),
    ...(kind.kind === 'main' ? [['Progress', progressLines(report)] as const] : []),
    [`Schema ${metadata['current-schema-id']}`, schemaLines(metadata)],
    ['Properties', propertyLines(look)],
    ['Refs', refLines(listRefs(metadata), report.nowMs)],
    [
      `Snapshots (${formatNumber(metadata.snapshots.length)})`,
      [
        ...(rows.length === 0 ? ['  none'] : rows.flatMap((row) => snapshotLines(row, report.nowMs, style))),
        ...(rest === 0 ? [] : [`  and ${formatNumber(rest)} older: k2 tables snapshots`]),
      ],
    ],
    ['Read it', report.readers.flatMap(({ reader, line }) => [`  ${style.dim(`# ${reader}`)}`, `  ${line}`])],
  ]
  const lines = [
    `${style.bold(look.table)}  ${kindText(kind)}`,
    ...headLines(report, style),
    ...sections.flatMap(([title, body]) => ['', `  ${style.bold(title)}`, ...body]),
  ]
  return `${lines.join('\n')}\n`
}

function headLines({ look, sides, nowMs }: TableReport, style: Style): readonly string[] {
  const { metadata, files, manifests } = look
  const { position, equality } = files.deleteFiles
  const oldest = oldestSnapshot(metadata)
  const metadataSize = look.metadataBytes === null ? '' : `  ${sizeText(look.metadataBytes)}`
  const fields: ReadonlyArray<readonly [name: string, text: string]> = [
    ['uuid', `${metadata['table-uuid']} (format v${metadata['format-version']})`],
    ['location', metadata.location],
    [
      'metadata',
      `${look.metadataLocation}${metadataSize}, ${counted(metadata['metadata-log'].length + 1, 'metadata file')}`,
    ],
    [
      'rows',
      `${formatNumber(files.rows)} in ${counted(files.dataFiles, 'data file')}, ${sizeText(files.bytes)} (${formatNumber(files.bytes)} bytes)`,
    ],
    ...(position + equality === 0
      ? []
      : [['deletes', `${counted(position + equality, 'delete file')} of other engines`] as const]),
    ['partitions', `${partitionText(metadata)}; ${formatNumber(files.partitions.length)} of them`],
    ['sort order', sortText(metadata)],
    [
      'manifests',
      `${formatNumber(manifests.data + manifests.deletes)}, ${sizeText(manifests.bytes)}, the largest ${sizeText(manifests.largestBytes)}`,
    ],
    [
      'oldest',
      oldest === null
        ? 'no snapshot yet'
        : `snapshot of ${timeText(oldest['timestamp-ms'])}, ${ageText(nowMs - oldest['timestamp-ms'])} ago`,
    ],
    ...sides.map((side) => ['side table', sideText(side, style)] as const),
  ]
  return fields.map(([name, text]) => `  ${name.padEnd(12)}${text}`)
}

function sideText({ table, state, rows }: SideFact, style: Style): string {
  if (state === 'missing') return style.red(`${table} is missing: k2 run would stop`)
  if (state === 'foreign') return style.red(`${table} was not made by k2`)
  return rows === null ? table : `${table}, ${counted(rows, 'row')}`
}

const BAR_MAX = 20

function sizeLines({ files }: TableLook): readonly string[] {
  if (files.dataFiles === 0) return ['  none']
  const used = files.classes.filter((each) => each.files > 0)
  const most = Math.max(...used.map((each) => each.files))
  return used.map((each) => {
    const bar = '█'.repeat(Math.max(1, Math.round((each.files / most) * BAR_MAX)))
    const counts = `${formatNumber(each.files).padStart(9)} files ${formatNumber(each.rows).padStart(15)} rows`
    return `  ${classText(each).padEnd(19)}${counts} ${sizeText(each.bytes).padStart(10)}  ${bar}`
  })
}

function classText({ from, to }: SizeClass): string {
  if (to === null) return `${sizeText(from)} and more`
  return from === 0 ? `below ${sizeText(to)}` : `${sizeText(from)} to ${sizeText(to)}`
}

const PARTITION_COLUMNS: readonly Column[] = [
  { title: 'Partition', align: 'left' },
  ...['Rows', 'Files', 'Size', 'Small files'].map((title): Column => ({ title, align: 'right' })),
]

function partitionLines({ files }: TableLook): readonly string[] {
  if (files.partitions.length === 0) return ['  none']
  const rows = files.partitions.map(({ path, rows: count, files: amount, bytes, smallFiles }) => [
    path === '' ? '-' : path,
    formatNumber(count),
    formatNumber(amount),
    sizeText(bytes),
    formatNumber(smallFiles),
  ])
  const other = files.otherFiles === 0 ? [] : [`  and ${formatNumber(files.otherFiles)} files of more partitions`]
  return [renderTable(PARTITION_COLUMNS, rows).trimEnd(), ...other]
}

/** A few lines; `k2 positions show` has each partition. */
function progressLines(report: TableReport): readonly string[] {
  const { progress, look, nowMs } = report
  if (progress.kind === 'invalid') return [`  positions cannot be read: ${progress.error.message}`]
  if (progress.kind === 'stop') return [`  positions not to be trusted: ${progress.reason}; see docs/recovery.md`]
  const positions = positionsIn(progress)
  if (positions === null) return ['  k2 has not committed yet']
  const atMs = committedMs(look.metadata, positions)
  const topics = kafkaTopicsOf(positions)
  const marks = topics.flatMap(([, { name, partitions }]) =>
    [...partitions].map(([partition, mark]) => ({ name, partition, mark })),
  )
  const gaps = marks.flatMap(({ name, partition, mark }) =>
    (mark.gaps ?? []).map(
      ({ first, next, why, at }) => `${name}/${partition} [${first}, ${next}), ${why}, since ${at}`,
    ),
  )
  const more = gaps.length - GAPS_MAX
  return [
    `  ${counted(marks.length, 'partition')} of ${counted(topics.length, 'topic')}, ` +
      (atMs === null ? 'no commit yet' : `last commit ${ageText(nowMs - atMs)} ago`),
    `  ${lagText(report)}`,
    ...(progress.kind === 'evidence'
      ? [`  trusted only if ${progress.evidence.rows} rows of the last marked commit are there`]
      : []),
    ...gaps.slice(0, GAPS_MAX).map((gap) => `  accepted gap: ${gap}`),
    ...(more > 0 ? [`  and ${formatNumber(more)} more gaps: k2 positions show`] : []),
    ...positions.unconfirmed.map(
      ({ commit, table, files }) =>
        `  unconfirmed: ${counted(files.length, 'file')} of ${table} (commit ${commit.slice(0, 12)})`,
    ),
  ]
}

function lagText({ source, progress }: TableReport): string {
  const positions = positionsIn(progress)
  if (source.kind === 'unnamed') return 'lag unknown: name --source or --brokers'
  if (source.kind === 'failed') return `lag unknown: ${source.error.message}`
  if (positions === null) return 'lag unknown'
  const { offsets, behind, unseen, problem } = lagOf(positions, source.partitions)
  if (problem !== null) return `k2 run would stop: ${problem.message}`
  const missing = unseen === 0 ? '' : `; ${counted(unseen, 'partition')} not in the source`
  return `lag ${counted(offsets, 'offset')} in ${counted(behind, 'partition')}${missing}`
}

/** But for those that K2 keeps its books in, which are shown as progress. */
function propertyLines({ metadata }: TableLook): readonly string[] {
  const entries = Object.entries(metadata.properties)
    .filter(([name]) => name !== POSITIONS_PROPERTY && name !== APPLIED_PROPERTY)
    .sort(([left], [right]) => (left < right ? -1 : 1))
  if (entries.length === 0) return ['  none']
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}
