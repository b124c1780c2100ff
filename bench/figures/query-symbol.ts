// Figure `query-symbol`: `k2 query` for one symbol in ten minutes, from its start to its end, on a table of all messages. Its reference is a
// process of DuckDB alone that reads exactly the files that are needed. Invariant: both give the same rows, or there is no figure.
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { planScan, type ScanPlan } from '../../src/shared/iceberg/scan-plan.ts'
import { bindPredicates, type Predicate } from '../../src/shared/iceberg/scan-predicate.ts'
import { readPoint } from '../../src/shared/iceberg/scan-snapshot.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { pathOfLocation } from '../../src/shared/store/file-location.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { type BenchOptions, type Figure, median } from '../figure.ts'
import { runK2, runNode, syntheticLog } from '../k2-process.ts'
import { makePlace, type RunPlace, removePlace, TABLE } from '../line-run.ts'

const SYMBOL = 'BTCUSDT'
const MINUTES = 10
const TIMES_MAX = 2
const MEMORY_BYTES = 1024 ** 3

/** What `k2 query --json` prints, as far as it is used here. */
interface QueryDocument {
  readonly results: ReadonlyArray<{ readonly rows: readonly unknown[] }>
  readonly tables: ReadonlyArray<
    Readonly<Record<'data_files' | 'data_files_read' | 'manifests' | 'manifests_read', number>>
  >
}

export async function querySymbol(options: BenchOptions): Promise<readonly Figure[]> {
  const place = makePlace(options, 'query')
  const log = await syntheticLog(options, options.messages, 'lz4')
  await runK2(options, ['run', '--source', log, ...place.words, '--until-end', '--batch-size', '250000', '--json'])
  const window = await windowOf(options, place)
  const plan = await planOf(place, window)
  const alone = join(place.folder, 'alone.sql')
  writeFileSync(alone, sqlOf(window, `read_parquet([${plan.files.map(fileText).join(', ')}])`))
  const [values, references]: [number[], number[]] = [[], []]
  let document: QueryDocument | null = null
  for (let run = 0; run < options.runs * 5; run++) {
    const ours = await runK2(options, ['query', sqlOf(window, 'trades_v2'), ...place.words, '--json'])
    const theirs = await runNode([peer, alone, String(availableParallelism()), String(MEMORY_BYTES)])
    // The cast: the document is of our own program, built with this bench.
    document = JSON.parse(ours.out) as QueryDocument
    const rows = JSON.stringify(document.results[0]?.rows)
    if (rows !== theirs.out.trim()) throw new Error(`k2 query says ${rows}, DuckDB ${theirs.out}`)
    values.push(ours.durationMs)
    references.push(theirs.durationMs)
  }
  removePlace(place)
  return [figureOf(values, references, document)]
}

const peer = fileURLToPath(new URL('../duckdb-alone.js', import.meta.url))

interface Window {
  readonly from: string
  readonly until: string
}

/** Ten minutes in the middle of the table. */
async function windowOf(options: BenchOptions, place: RunPlace): Promise<Window> {
  const sql = `SELECT epoch_ms(min(timestamp)) + (epoch_ms(max(timestamp)) - epoch_ms(min(timestamp))) // 2 FROM trades_v2`
  const { out } = await runK2(options, ['query', sql, ...place.words, '--json'])
  // The cast: as above. A 64-bit number is text.
  const { results } = JSON.parse(out) as {
    readonly results: ReadonlyArray<{ readonly rows: readonly [readonly [string]] }>
  }
  const middle = Number(results[0]?.rows[0][0])
  const text = (ms: number): string => new Date(ms).toISOString()
  return { from: text(middle), until: text(middle + MINUTES * 60_000) }
}

const sqlOf = ({ from, until }: Window, table: string): string =>
  `SELECT count(*), sum(quantity), min(price), max(price), min(trade_id), max(trade_id), count(DISTINCT message_id) FROM ${table} ` +
  `WHERE symbol = '${SYMBOL}' AND timestamp >= '${from}' AND timestamp < '${until}'`

/** The files that are needed: by a plan in this process. */
async function planOf({ catalogFile, warehouse }: RunPlace, { from, until }: Window): Promise<ScanPlan> {
  const store = openFolderStore(warehouse)
  const catalog = openSqlCatalog({ file: catalogFile, store })
  try {
    const loaded = await catalog.loadTable(TABLE)
    if (loaded === null) throw new Error('no table')
    const point = readPoint(loaded.metadata, { kind: 'head' }, TABLE.name)
    const predicates: readonly Predicate[] = [
      { kind: 'compare', column: 'symbol', operator: '=', literal: { kind: 'text', text: SYMBOL } },
      { kind: 'compare', column: 'timestamp', operator: '>=', literal: { kind: 'text', text: from } },
      { kind: 'compare', column: 'timestamp', operator: '<', literal: { kind: 'text', text: until } },
    ]
    return await planScan({
      store,
      metadata: loaded.metadata,
      point,
      wanted: [bindPredicates(predicates, point.schema)],
    })
  } finally {
    await catalog.close()
  }
}

const fileText = ({ location }: { readonly location: string }): string => `'${pathOfLocation(location) ?? location}'`

function figureOf(values: readonly number[], references: readonly number[], document: QueryDocument | null): Figure {
  const [value, reference] = [median(values), median(references)]
  const [table] = document?.tables ?? []
  const detail = (name: string, of: number | undefined): { name: string; value: number; unit: string } => ({
    name,
    value: of ?? Number.NaN,
    unit: '',
  })
  return {
    name: 'query-symbol',
    value,
    unit: 'ms',
    reference: { name: 'a process of DuckDB alone, read_parquet on the needed files', value: reference, unit: 'ms' },
    ratio: reference / value,
    cpuUsPerMessage: null,
    rssMb: null,
    runs: values,
    gates: [
      {
        name: 'query of a symbol against DuckDB alone',
        value: value / reference,
        unit: '×',
        limit: TIMES_MAX,
        kind: 'max',
      },
    ],
    details: [
      detail('data files', table?.data_files),
      detail('data files read', table?.data_files_read),
      detail('manifests', table?.manifests),
      detail('manifests read', table?.manifests_read),
    ],
  }
}
