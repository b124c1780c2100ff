// Which snapshot of a table a query reads, and by which schema. Pure, any thread.
import { IngestError } from '../errors.ts'
import type { Snapshot, TableMetadata } from './metadata.ts'
import type { IcebergSchema } from './schema.ts'

/** As written: the head of main, main as it was at a time, a tag or branch, a snapshot id. */
export type AsOf =
  | { readonly kind: 'head' }
  /** Ms since 1970. */
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'ref'; readonly name: string }
  /** Digits of 64 bits. */
  | { readonly kind: 'snapshot'; readonly id: string }

export interface ReadPoint {
  /** Null: the table was empty there. */
  readonly snapshot: Snapshot | null
  readonly schema: IcebergSchema
}

/**
 * The head is read by the current schema, as every engine does; a point of the past by the schema of its snapshot.
 * Errors: QUERY_AS_OF naming table and what there is, TABLE_METADATA.
 */
export function readPoint(metadata: TableMetadata, asOf: AsOf, table: string): ReadPoint {
  const current = schemaById(metadata, metadata['current-schema-id'], table)
  if (asOf.kind === 'head') {
    const id = metadata.refs['main']?.['snapshot-id'] ?? metadata['current-snapshot-id']
    return { snapshot: id === null ? null : snapshotById(metadata, id, table), schema: current }
  }
  const snapshot = snapshotById(metadata, idOf(metadata, asOf, table), table)
  const schemaId = snapshot['schema-id']
  return { snapshot, schema: schemaId === null ? current : schemaById(metadata, schemaId, table) }
}

function idOf(metadata: TableMetadata, asOf: Exclude<AsOf, { kind: 'head' }>, table: string): bigint {
  switch (asOf.kind) {
    case 'snapshot':
      return BigInt(asOf.id)
    case 'ref': {
      const ref = metadata.refs[asOf.name]
      if (ref !== undefined) return ref['snapshot-id']
      const refs = Object.keys(metadata.refs).filter((name) => !name.startsWith(LEASE_PREFIX))
      throw missing(table, `no tag or branch ${asOf.name}; there are ${refs.join(', ') || 'none'}`)
    }
    case 'time': {
      const log = metadata['snapshot-log']
      const entry = log.findLast((candidate) => candidate['timestamp-ms'] <= asOf.ms)
      if (entry !== undefined) return entry['snapshot-id']
      const [first] = log
      const known =
        first === undefined ? 'it has no history' : `its history begins at ${isoTime(first['timestamp-ms'])}`
      throw missing(table, `no snapshot at ${isoTime(asOf.ms)}; ${known}`)
    }
  }
}

/** Tags that running queries set, see query/lease.ts. */
export const LEASE_PREFIX = 'k2_lease_'

const isoTime = (ms: number): string => new Date(ms).toISOString()

const missing = (table: string, reason: string): IngestError => new IngestError('QUERY_AS_OF', { table, reason })

function snapshotById(metadata: TableMetadata, id: bigint, table: string): Snapshot {
  const snapshot = metadata.snapshots.find((candidate) => candidate['snapshot-id'] === id)
  if (snapshot === undefined) throw missing(table, `no snapshot ${id}; it has expired, or is of another table`)
  return snapshot
}

function schemaById(metadata: TableMetadata, id: number, table: string): IcebergSchema {
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === id)
  if (schema === undefined) throw new IngestError('TABLE_METADATA', { table, reason: `schema ${id} is not there` })
  return schema
}
