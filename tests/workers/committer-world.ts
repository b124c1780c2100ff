// A committer over a memory catalog and a memory store, with a clock and faults that the test decides.

import type { RouteSpec } from '../../src/shared/commit/route-spec.ts'
import { IngestError } from '../../src/shared/errors.ts'
import type { Catalog, CommitOutcome } from '../../src/shared/iceberg/catalog.ts'
import type { DataFile } from '../../src/shared/iceberg/data-file.ts'
import type { TableMetadata } from '../../src/shared/iceberg/metadata.ts'
import type { IcebergField, IcebergSchema } from '../../src/shared/iceberg/schema.ts'
import type { CommitGroup } from '../../src/shared/messages.ts'
import type { CommitterOptions } from '../../src/workers/committer.ts'
import { createCommitter } from '../../src/workers/committer.ts'
import { createMemoryCatalog } from '../support/memory-catalog.ts'
import { createMemoryStore } from '../support/memory-store.ts'

export const ROOT = 'file:///memory'
export const TOPIC = 'cluster-1/topic-1'
export const MAIN = { namespace: ['market_data'], name: 'trades_v2' }
export const mainName = 'market_data.trades_v2'
export const sideName = 'market_data.trades_v2_dead_letters'

const optional = (id: number, name: string, type: string): IcebergField => ({ id, name, required: false, type })
const provenance = (from: number): IcebergField[] => [
  optional(from, 'kafka_topic', 'string'),
  optional(from + 1, 'kafka_topic_id', 'string'),
  optional(from + 2, 'kafka_partition', 'int'),
  optional(from + 3, 'kafka_offset', 'long'),
]
export const mainSchema: IcebergSchema = {
  type: 'struct',
  'schema-id': 0,
  fields: [{ id: 1, name: 'symbol', required: true, type: 'string' }, ...provenance(2)],
}
const sideSchema: IcebergSchema = {
  type: 'struct',
  'schema-id': 0,
  fields: [...provenance(1), optional(5, 'error_code', 'string')],
}
const unpartitioned = { 'spec-id': 0, fields: [] }

export const partition = (number: number, logEnd = 10_000n, start = 0n) => ({
  topic: TOPIC,
  topicName: 'market.crypto.trades.binance',
  partition: number,
  start,
  logStart: 0n,
  logEnd,
})

export const routeSpec = (changes: Partial<RouteSpec> = {}): RouteSpec => ({
  route: 'trades',
  table: MAIN,
  schema: mainSchema,
  writers: [],
  spec: unpartitioned,
  deadLetters: { schema: sideSchema, spec: unpartitioned },
  location: ROOT,
  partitions: [partition(0), partition(1)],
  epoch: 0,
  acceptedGaps: [],
  group: 'k2-test',
  writer: 'pod-1',
  tombstone: 'skip',
  properties: {},
  ...changes,
})

/** What happens to one request to update a table. */
export type Fault = 'lost before' | 'lost after' | 'conflict' | 'rejected' | 'throws after' | 'locked'

export function createWorld() {
  let nowMs = 1_700_000_000_000
  const catalog = createMemoryCatalog(() => nowMs)
  const store = createMemoryStore(ROOT)
  const faults: Array<{ readonly table: string; readonly fault: Fault }> = []
  const requests: Array<{ readonly table: string; readonly updates: unknown }> = []
  const lines: Array<Record<string, unknown>> = []
  let loadFailures = 0
  let fileCount = 0
  let later: { readonly table: string; left: number; readonly fault: Fault } | null = null
  const takeFault = (table: string): Fault | undefined => {
    if (later?.table === table && --later.left === 0) {
      const { fault } = later
      later = null
      return fault
    }
    const at = faults.findIndex((each) => each.table === table)
    return at === -1 ? undefined : faults.splice(at, 1)[0]?.fault
  }
  const faulty: Catalog = {
    ...catalog,
    loadTable: async (name) => {
      if (loadFailures > 0) {
        loadFailures--
        throw new IngestError('CATALOG_LOCKED')
      }
      return catalog.loadTable(name)
    },
    updateTable: async (name, requirements, updates): Promise<CommitOutcome> => {
      const table = [...name.namespace, name.name].join('.')
      requests.push({ table, updates })
      const fault = takeFault(table)
      if (fault === 'lost before') return { kind: 'unknown', reason: 'timeout' }
      if (fault === 'conflict') return { kind: 'conflict', reason: 'lost the race' }
      if (fault === 'rejected') return { kind: 'rejected', reason: 'no right' }
      if (fault === 'locked') throw new IngestError('CATALOG_LOCKED')
      const outcome = await catalog.updateTable(name, requirements, updates)
      if (fault === 'lost after') return { kind: 'unknown', reason: 'reset' }
      if (fault === 'throws after') throw new Error('socket hang up')
      return outcome
    },
  }
  const pod = (options: Partial<CommitterOptions> = {}) =>
    createCommitter({
      catalog: faulty,
      store,
      clock: () => nowMs,
      sleep: async () => undefined,
      log: (line) => void lines.push({ ...line }),
      limits: { attemptsMax: 6, troublesMax: 4, backoffMsFirst: 1 },
      ...options,
    })
  const metadataOf = (table: string): TableMetadata => {
    const found = catalog.tables.get(table)
    if (found === undefined) throw new Error(`no table ${table}`)
    return found.metadata
  }
  const file = (kind: 'main' | 'side', rows: number): DataFile => {
    const location = `${ROOT}/market_data/${kind}/data/f${fileCount++}.parquet`
    const bytes = new Uint8Array(rows)
    store.files.set(location, bytes)
    return dataFile(location, rows)
  }
  return {
    catalog,
    store,
    faults,
    requests,
    lines,
    pod,
    metadataOf,
    file,
    nowMs: () => nowMs,
    advanceMs: (ms: number) => {
      nowMs += ms
    },
    /** The n-th request to a table from now on. */
    faultNext: (table: string, nth: number, fault: Fault) => {
      later = { table, left: nth, fault }
    },
    failLoads: (count: number) => {
      loadFailures = count
    },
    /** Rows [first, next) of a partition, the last `dead` of them as dead letters. */
    group: (
      first: bigint,
      next: bigint,
      options: { partition?: number; dead?: number; rows?: boolean } = {},
    ): CommitGroup => {
      const records = Number(next - first)
      const dead = options.dead ?? 0
      const rows = options.rows === false ? 0 : records - dead
      const range = { topic: TOPIC, partition: options.partition ?? 0, first, next }
      return {
        ranges: [{ ...range, records, rows, deadLetters: dead, tombstonesSkipped: 0 }],
        dataFiles: rows > 0 ? [file('main', rows)] : [],
        deadLetterFiles: dead > 0 ? [file('side', dead)] : [],
        oldestEncodedAtMs: nowMs,
        epoch: 0,
      }
    },
  }
}

const dataFile = (location: string, rows: number): DataFile => ({
  location,
  recordCount: rows,
  sizeBytes: rows,
  partition: [],
  specId: 0,
  schemaId: 0,
  metrics: {
    columnSizes: [],
    valueCounts: [],
    nullValueCounts: [],
    nanValueCounts: [],
    lowerBounds: [],
    upperBounds: [],
  },
  splitOffsets: [],
})
