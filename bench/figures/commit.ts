// Figure `commit`: one snapshot by the real committer, catalog in SQLite, store in a folder, a data file a commit. Its reference is
// the bare cost of the same files: as many, as large, each written and fsynced.
import { mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { deadLettersSchema, deadLettersSpec } from '../../src/shared/avro/iceberg-mapping.ts'
import type { RouteSpec } from '../../src/shared/commit/route-spec.ts'
import type { DataFile } from '../../src/shared/iceberg/data-file.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import type { RouteTables } from '../../src/shared/messages.ts'
import { describeFile } from '../../src/shared/parquet/data-file.ts'
import { ParquetWasmEncoder } from '../../src/shared/parquet/parquet-wasm-encoder.ts'
import { locationOfPath } from '../../src/shared/store/file-location.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import type { Store } from '../../src/shared/store/store.ts'
import { type Committer, createCommitter } from '../../src/workers/committer.ts'
import { type BenchOptions, type Figure, measurePair, timeFigure } from '../figure.ts'
import { sampleColumns, tradeLayout } from '../sample.ts'

const TOPIC = 'bench-cluster/bench-topic'
/** Offsets of one commit. */
const ROWS = 500

export async function commit(options: BenchOptions): Promise<readonly Figure[]> {
  const folder = join(options.folder, 'commit')
  mkdirSync(join(folder, 'bare'), { recursive: true })
  const { store, sizes } = counting(openFolderStore(join(folder, 'warehouse')))
  const committer = createCommitter({ catalog: openSqlCatalog({ file: join(folder, 'catalog.db'), store }), store })
  const tables = await committer.open(routeSpec(options, folder))
  const file = await sampleFile(options, tables)
  let count = 0
  const one = async (): Promise<void> => {
    sizes.length = 0
    await commitOne(committer, { ...file, location: `${tables.main.dataLocation}/${count}.parquet` }, count++)
  }
  const bare = async (): Promise<void> => {
    for (const [index, size] of sizes.entries()) await writeSynced(join(folder, 'bare', `${count}-${index}`), size)
  }
  const pair = await measurePair(options.runs * 10, one, bare)
  await committer.close()
  const referenceName = 'the same files, written and fsynced'
  return [timeFigure({ name: 'commit', unit: 'ms', scale: 1, records: null, referenceName, pair })]
}

/** Route into a table of trades in the folder. */
export function routeSpec(options: BenchOptions, folder: string): RouteSpec {
  const { schema, spec } = tradeLayout(options.root)
  return {
    route: 'bench',
    table: { namespace: ['bench'], name: 'trades' },
    schema,
    writers: [],
    spec,
    deadLetters: { schema: deadLettersSchema(), spec: deadLettersSpec() },
    location: locationOfPath(join(folder, 'warehouse')),
    partitions: [
      {
        topic: TOPIC,
        topicName: 'bench',
        partition: 0,
        start: 0n,
        logStart: 0n,
        logEnd: BigInt(Number.MAX_SAFE_INTEGER),
      },
    ],
    epoch: 0,
    acceptedGaps: [],
    group: 'bench',
    writer: 'bench',
    tombstone: 'skip',
    properties: {},
  }
}

/** A description with real statistics; the committer never opens data files, so none is written. */
export async function sampleFile(options: BenchOptions, { main }: RouteTables): Promise<DataFile> {
  const { batch } = await sampleColumns(options)
  const encoded = new ParquetWasmEncoder().encode(batch, main.schema)
  const { schema, spec } = main
  return describeFile({
    location: 'file:///none',
    batch,
    schema,
    spec,
    partition: spec.fields.map(() => 20_466),
    encoded,
  })
}

/** Commits the file as the `index`-th group. Errors: any answer but committed. */
export async function commitOne(committer: Committer, file: DataFile, index: number): Promise<void> {
  const range = { topic: TOPIC, partition: 0, first: BigInt(index * ROWS), next: BigInt((index + 1) * ROWS) }
  const reply = await committer.commit('bench', {
    ranges: [{ ...range, records: ROWS, rows: ROWS, deadLetters: 0, tombstonesSkipped: 0 }],
    dataFiles: [file],
    deadLetterFiles: [],
    oldestEncodedAtMs: Date.now(),
    epoch: 0,
  })
  if (reply.kind !== 'committed') throw new Error(`a commit was answered ${JSON.stringify(reply.kind)}`)
}

/** The store, and the sizes of what was put since they were last cleared. */
function counting(store: Store): { readonly store: Store; readonly sizes: number[] } {
  const sizes: number[] = []
  const putIfAbsent: Store['putIfAbsent'] = (location, bytes) => {
    sizes.push(bytes.length)
    return store.putIfAbsent(location, bytes)
  }
  return { store: { ...store, putIfAbsent }, sizes }
}

async function writeSynced(path: string, size: number): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(new Uint8Array(size))
    await file.sync()
  } finally {
    await file.close()
  }
}
