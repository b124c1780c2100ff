// The proof of k2 verify on the terminal: a row per partition, the reasons for offsets without a row, the verdict. Pure.
import { formatNumber, type Style } from './style.ts'
import { type Column, renderTable } from './table.ts'

export interface PartitionProof {
  readonly topic: string
  readonly partition: number
  /** The compared range, [first, next). */
  readonly first: bigint
  readonly next: bigint
  /** Offsets whose record and row are equal. */
  readonly equal: number
  /** Offsets without a row in the main table, each for a reason that was checked. */
  readonly explained: number
  readonly missing: number
  readonly duplicate: number
  readonly extra: number
  readonly changed: number
}

export interface Proof {
  readonly table: string
  readonly snapshotId: string
  readonly partitions: readonly PartitionProof[]
  /** Why offsets have no row in the main table: dead letter, tombstone, control record, compacted away, … */
  readonly explanations: ReadonlyArray<{ readonly reason: string; readonly offsets: number }>
}

const COLUMNS: readonly Column[] = [
  { title: 'Topic', align: 'left' },
  ...['Partition', 'Offsets', 'Equal', 'Explained', 'Missing', 'Duplicate', 'Extra', 'Changed'].map(
    (title): Column => ({ title, align: 'right' }),
  ),
]
/** Beyond this many partitions only those with a difference are listed; the total counts all. */
const ROWS_MAX = 64

type Counts = Pick<PartitionProof, 'equal' | 'explained' | 'missing' | 'duplicate' | 'extra' | 'changed'>

export const differences = (counts: Counts): number => counts.missing + counts.duplicate + counts.extra + counts.changed

export function renderProof(proof: Proof, style: Style): string {
  const { partitions } = proof
  const listed = partitions.length <= ROWS_MAX ? partitions : partitions.filter(differences).slice(0, ROWS_MAX)
  const total = partitions.reduce(add, { equal: 0, explained: 0, missing: 0, duplicate: 0, extra: 0, changed: 0 })
  const offsets = partitions.reduce((sum, partition) => sum + (partition.next - partition.first), 0n)
  const rows = listed.map((partition) => [
    partition.topic,
    String(partition.partition),
    `[${partition.first}, ${partition.next})`,
    ...cells(partition),
  ])
  rows.push(['total', formatNumber(partitions.length), formatNumber(offsets), ...cells(total)])
  const reasons = proof.explanations.map(({ reason, offsets: count }) => `  ${formatNumber(count)} × ${reason}`)
  const lines = [
    `${style.bold('Proof')} ${proof.table}, snapshot ${proof.snapshotId}`,
    renderTable(COLUMNS, rows).trimEnd(),
    ...(listed.length < partitions.length ? ['  (partitions without a difference are not listed)'] : []),
    ...(reasons.length === 0 ? [] : ['Offsets without a row, explained:', ...reasons]),
    verdict(total, offsets, style),
  ]
  return `${lines.join('\n')}\n`
}

const cells = (counts: Counts): readonly string[] =>
  [counts.equal, counts.explained, counts.missing, counts.duplicate, counts.extra, counts.changed].map((count) =>
    formatNumber(count),
  )

const add = (sum: Counts, counts: Counts): Counts => ({
  equal: sum.equal + counts.equal,
  explained: sum.explained + counts.explained,
  missing: sum.missing + counts.missing,
  duplicate: sum.duplicate + counts.duplicate,
  extra: sum.extra + counts.extra,
  changed: sum.changed + counts.changed,
})

function verdict(total: Counts, offsets: bigint, style: Style): string {
  const { missing, duplicate, extra, changed } = total
  const counts = `${missing} missing, ${duplicate} duplicate, ${extra} extra, ${changed} changed`
  return differences(total) === 0
    ? style.green(`PROVEN: all ${formatNumber(offsets)} offsets accounted for; ${counts}`)
    : style.red(`NOT PROVEN: ${counts}`)
}
