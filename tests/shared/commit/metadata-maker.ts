// Table metadata with a given line of snapshots, for tests of rules that only read metadata.
import type { Snapshot, SnapshotRef, TableMetadata } from '../../../src/shared/iceberg/metadata.ts'

export interface SnapshotSketch {
  readonly id: bigint
  readonly parent: bigint | null
  readonly summary?: Readonly<Record<string, string>>
  readonly sequence?: bigint
  readonly atMs?: number
}

const snapshotOf = ({ id, parent, summary = {}, sequence = id, atMs = 1_000 }: SnapshotSketch): Snapshot => ({
  'snapshot-id': id,
  'parent-snapshot-id': parent,
  'sequence-number': sequence,
  'timestamp-ms': atMs,
  'manifest-list': `list-${id}`,
  summary: { operation: 'append', ...summary },
  'schema-id': 0,
})

/** `head` null: no branch. `tag` null: no tag. Expired snapshots are just left out of `snapshots`. */
export function metadataOf(sketch: {
  readonly snapshots: readonly SnapshotSketch[]
  readonly head: bigint | null
  readonly tag?: bigint | null
  readonly property?: string | undefined
}): TableMetadata {
  const refs: Record<string, SnapshotRef> = {}
  if (sketch.head !== null) refs['main'] = { 'snapshot-id': sketch.head, type: 'branch' }
  if (sketch.tag !== undefined && sketch.tag !== null) refs['k2'] = { 'snapshot-id': sketch.tag, type: 'tag' }
  return {
    'format-version': 2,
    'table-uuid': 'uuid-1',
    location: 'mem://t',
    'last-sequence-number': 100n,
    'last-updated-ms': 2_000,
    'last-column-id': 0,
    schemas: [{ type: 'struct', 'schema-id': 0, fields: [] }],
    'current-schema-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'default-spec-id': 0,
    'last-partition-id': 999,
    properties: sketch.property === undefined ? {} : { 'k2.positions': sketch.property },
    'current-snapshot-id': sketch.head,
    snapshots: sketch.snapshots.map(snapshotOf),
    refs,
    'snapshot-log': [],
    'metadata-log': [],
    rest: {},
  }
}
