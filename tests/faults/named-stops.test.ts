// Stops by name that need no broker: what somebody did to files, catalog rows or options, the one line that a run ends with, and that
// it has changed nothing. In the end, with all of it undone, the run goes on and table and log are equal.
import { mkdtempSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../src/shared/errors.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { batchCrc } from '../../src/shared/kafka/record-batch.ts'
import { writeRecordBatch } from '../../src/shared/kafka/record-batch-writer.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { goodRecord, type MixedLog, mixedLog } from '../support/bad-records.ts'
import { runK2 } from '../support/built-k2.ts'
import { filesOf, locations, replaced, type Undo, withProperty } from '../support/foreign-hands.ts'
import { type K2Ended, k2, type Place, placeIn, saidIn, verifyPlace } from '../support/k2-process.ts'
import { emptyLog, writeSegments } from '../support/record-maker.ts'
import { tradeV2Json } from '../support/trade-v2.ts'

const place: Place = placeIn(mkdtempSync(join(tmpdir(), 'k2-stops-')))
const run = (...more: readonly string[]) => ['run', ...place.words, '--until-end', '--workers', '1', ...more]
let log: MixedLog

beforeAll(async () => {
  log = await mixedLog({ directory: place.log, messages: 400, seed: 3, partitions: 2, roundMessages: 100 })
  const { code, err } = await runK2(run('--max-messages', '200', '--batch-size', '100'))
  expect(code, err).toBe(0)
}, 120_000)
afterAll(() => rm(place.folder, { recursive: true, force: true, maxRetries: 5 }))

interface Stop {
  readonly what: string
  readonly code: ErrorCode
  /** What the line says beside its code: where it is, and what to do. */
  readonly says: RegExp
  /** Makes it so. Without an undo: it is of no harm to the others. */
  readonly spoil?: () => Promise<Undo | undefined>
  readonly words?: () => readonly string[]
}

const nothing: Undo = async () => undefined

/** A folder of schemas with ids.json as given. */
async function schemasFolder(name: string, files: Readonly<Record<string, string>>): Promise<undefined> {
  const folder = join(place.folder, name)
  await mkdir(folder)
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content)
}

const idsJson = (ids: Readonly<Record<string, string>>): string =>
  JSON.stringify({ ids, subjects: { 'market.*.trades.*-value': 1 } })

/** Trades whose price is of another type. */
function tradesWithPrice(type: unknown): string {
  const { fields, ...record }: { fields: { name: string }[] } = JSON.parse(tradeV2Json)
  return JSON.stringify({ ...record, fields: fields.map((each) => (each.name === 'price' ? { ...each, type } : each)) })
}

/** A log directory of one topic, with these batches. */
async function oddLog(name: string, batches: readonly Uint8Array[]): Promise<undefined> {
  await writeSegments(await emptyLog(join(place.folder, name)), `market.crypto.trades.${name}`, 0, { 0: batches })
}
const overOddLog = (name: string, ...more: readonly string[]): readonly string[] => {
  const words = run('--topic', `market.crypto.trades.${name}`, '--table', `market_data.${name}_v2`, ...more)
  return words.with(words.indexOf('--source') + 1, join(place.folder, name))
}

function withCodecBits(batch: Uint8Array, bits: number): Uint8Array {
  const view = new DataView(batch.buffer)
  view.setInt16(21, bits)
  view.setUint32(17, batchCrc(batch, 0, batch.length))
  return batch
}

const goodBatch = writeRecordBatch([goodRecord(0), goodRecord(1)], { baseOffset: 0n, codec: 'lz4' })
const ofSchema = (id: number) => ({ ...goodRecord(2), value: Uint8Array.of(0, 0, 0, 0, id, 2, 65) })
const inPlace = (topic: string): string => `topic=market\\.crypto\\.trades\\.${topic} partition=0 (batch|offset)=2 `

const stops: readonly Stop[] = [
  {
    what: 'a metadata file that cannot be read',
    code: 'TABLE_METADATA',
    says: /file=\S*metadata\.json.*docs\/recovery\.md/,
    spoil: async () => replaced(place, (await filesOf(place)).metadata, '{"format-version": 2'),
  },
  {
    what: 'a metadata file that is gone',
    code: 'STORE_MISSING',
    says: /location=\S*metadata\.json.*restore it/,
    spoil: async () => replaced(place, (await filesOf(place)).metadata, null),
  },
  {
    what: 'a manifest list that is gone',
    code: 'STORE_MISSING',
    says: /location=\S*snap-.*restore it/,
    spoil: async () => replaced(place, (await filesOf(place)).manifestList, null),
  },
  {
    what: 'a manifest list that cannot be read',
    code: 'TABLE_METADATA',
    says: /file=\S*snap-.*manifest list cannot be read/,
    spoil: async () => replaced(place, (await filesOf(place)).manifestList, 'Obj'),
  },
  {
    what: 'marks of another version',
    code: 'POSITIONS_INVALID',
    says: /k2 positions adopt/,
    spoil: () => withProperty(place, 'k2.positions', '{"v":99}'),
  },
  {
    what: 'a codec that no Parquet reader knows, as a property of the table',
    code: 'TABLE_PROPERTY',
    says: /property=write\.parquet\.compression-codec value=brotli9 allowed=zstd, .*set it to one that is allowed/,
    spoil: () => withProperty(place, 'write.parquet.compression-codec', 'brotli9'),
  },
  {
    what: 'a table made beforehand with a column of K2 of another type',
    code: 'TABLE_MISFIT',
    says: /table=market_data\.misfit_v2 problem=.*kafka_offset.*k2 tables show/,
    spoil: () => madeWithText('misfit_v2', 'kafka_offset'),
    words: () => run('--table', 'market_data.misfit_v2'),
  },
  {
    what: 'a table made beforehand with a column of the topic of another type',
    code: 'SCHEMA_INCOMPATIBLE',
    says: /table=market_data\.text_v2 .*path=price .*docs\/schemas\.md/,
    spoil: () => madeWithText('text_v2', 'price'),
    words: () => run('--table', 'market_data.text_v2'),
  },
  {
    what: 'a cluster id that is missing',
    code: 'SOURCE_IDENTITY',
    says: /file=\S*meta\.properties/,
    spoil: () => replaced(place, join(place.log, 'meta.properties'), 'version=1\n'),
  },
  {
    what: 'a topic without a route',
    code: 'ROUTE_MISSING',
    says: /topic=orders.*--table/,
    spoil: async () => {
      await writeSegments(place.log, 'orders', 0, { 0: [goodBatch] })
      return undefined
    },
    words: () => run('--topic', 'orders'),
  },
  {
    what: 'a folder of schemas whose list is no JSON',
    code: 'SCHEMA_INVALID',
    says: /file=\S*ids\.json.*correct the Avro schema file/,
    spoil: () => schemasFolder('no-json', { 'ids.json': '{' }),
    words: () => run('--schemas', join(place.folder, 'no-json')),
  },
  {
    what: 'a schema with a union of several types',
    code: 'SCHEMA_UNSUPPORTED',
    says: /path=\S*price.*docs\/schemas\.md/,
    spoil: () =>
      schemasFolder('union', {
        'ids.json': idsJson({ 1: 'union.avsc' }),
        'union.avsc': tradesWithPrice(['string', 'long']),
      }),
    words: () => run('--schemas', join(place.folder, 'union')),
  },
  {
    what: 'records of a schema that does not fit the table',
    code: 'SCHEMA_INCOMPATIBLE',
    says: /price.*docs\/schemas\.md/,
    spoil: async () => {
      const files = { 'trade.avsc': tradeV2Json, 'text.avsc': tradesWithPrice('string') }
      await schemasFolder('misfit', { ...files, 'ids.json': idsJson({ 1: 'trade.avsc', 7: 'text.avsc' }) })
      return oddLog('incompatible', [goodBatch, writeRecordBatch([ofSchema(7)], { baseOffset: 2n })])
    },
    words: () => overOddLog('incompatible', '--schemas', join(place.folder, 'misfit')),
  },
  {
    what: 'a record batch of a codec that nobody knows',
    code: 'CODEC_UNSUPPORTED',
    says: new RegExp(`${inPlace('codec')}.*gzip, snappy, lz4 and zstd`),
    spoil: () => oddLog('codec', [goodBatch, withCodecBits(writeRecordBatch([goodRecord(2)], { baseOffset: 2n }), 5)]),
    words: () => overOddLog('codec'),
  },
  {
    what: 'a record batch that is larger than it may be',
    code: 'DECOMPRESSION_BOUND',
    says: new RegExp(`${inPlace('large')}.*bytesMax=1048576.*--decompressed-bytes-max`),
    spoil: () => {
      const large = { ...goodRecord(2), value: new Uint8Array(1_100_000) }
      return oddLog('large', [goodBatch, writeRecordBatch([large], { baseOffset: 2n, codec: 'gzip' })])
    },
    words: () => overOddLog('large', '--decompressed-bytes-max', '1MiB'),
  },
  {
    what: 'a log file that is a folder',
    code: 'LOG_NOT_WRITABLE',
    says: /file=\S*warehouse.*--log-file/,
    words: () => run('--log-file', place.warehouse),
  },
  {
    what: 'a folder of CSV files without any',
    code: 'FEED_INPUT',
    says: /reason=.*nothing of it was written/,
    words: () => ['feed', 'csv', '--from', place.log, '--to', join(place.folder, 'fed')],
  },
  {
    what: 'verify, with a data file that was cut',
    code: 'TABLE_FILE_CORRUPT',
    says: /file=\S*\.parquet.*restore it/,
    spoil: async () => {
      const [file = ''] = (await filesOf(place)).data
      return replaced(place, file, (await readFile(file)).subarray(0, 1000))
    },
    words: () => ['verify', ...place.words],
  },
]

/** An empty table that fits, but for one column, which is text. */
async function madeWithText(name: string, column: string): Promise<undefined> {
  const namespace = ['market_data']
  const store = openFolderStore(place.warehouse)
  const catalog = openSqlCatalog({ file: place.catalog, store })
  const [schema] = (await catalog.loadTable({ namespace, name: 'trades_v2' }))?.metadata.schemas ?? []
  if (schema === undefined) throw new Error('no table')
  const fields = schema.fields.map((field) => (field.name === column ? { ...field, type: 'string' as const } : field))
  const table = { schema: { ...schema, fields }, spec: { 'spec-id': 0, fields: [] }, properties: {} }
  await catalog.createTable({ namespace, name }, { ...table, location: `${store.root}/market_data/${name}` })
  await catalog.close()
}

function lineOf({ code, err }: K2Ended): string {
  expect(code, err).toBe(1)
  expect(saidIn(err), err).toHaveLength(1)
  return saidIn(err)[0] ?? ''
}

describe('one line with its name, and nothing changed', () => {
  test.each(stops)(
    '$what: $code',
    async ({ code, says, spoil, words }) => {
      const undo = (await spoil?.()) ?? nothing
      const before = new Map(locations(place))
      const ended = await k2(...(words?.() ?? run()))
      const after = locations(place)
      await undo()
      const line = lineOf(ended)
      expect(line).toMatch(new RegExp(`^k2: ${code}: `))
      expect(line).toMatch(says)
      for (const [table, location] of before) expect([table, after.get(table)]).toEqual([table, location])
    },
    120_000,
  )

  test('with all of it undone, the run goes on, and table and log are equal', async () => {
    const { code, err } = await k2(...run())
    expect(code, err).toBe(0)
    const { verdict, tables } = await verifyPlace(place)
    expect(tables[0]?.problems).toEqual([])
    expect([verdict, tables[0]?.totals.tableRows, tables[0]?.totals.deadLetters]).toEqual([
      'equal',
      log.messages,
      log.deadLetters,
    ])
  }, 120_000)
})
