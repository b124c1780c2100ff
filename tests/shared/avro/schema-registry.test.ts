import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFileRegistry } from '../../../src/shared/avro/schema-registry.ts'
import { IngestError } from '../../../src/shared/errors.ts'

const shipped = new URL('../../../schemas', import.meta.url).pathname
const recordSchema = '{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}'
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'k2-schemas-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

async function failureOf(files: Readonly<Record<string, string>>): Promise<IngestError> {
  const error: unknown = await openFileRegistry(await folder(files)).catch((thrown: unknown) => thrown)
  if (error instanceof IngestError) return error
  throw new Error(`expected an IngestError, got ${String(error)}`)
}

const idsJson = (ids: unknown, subjects: unknown = {}): string => JSON.stringify({ ids, subjects })

test('the shipped schemas are TradeV2, QuoteV2 and ReferenceDataV2 with their fields in order', async () => {
  const registry = await openFileRegistry(shipped)
  const names: Record<string, string[]> = {}
  for (const id of [1, 2, 3]) {
    const schema = JSON.parse((await registry.schemaById(id))?.json ?? 'null')
    names[`${schema.namespace}.${schema.name}`] = schema.fields.map((field: { name: string }) => field.name)
  }
  const head = ['symbol', 'exchange', 'asset_class']
  const tail = ['source_sequence', 'ingestion_timestamp', 'platform_sequence', 'vendor_data']
  expect(names).toEqual({
    'com.k2.marketdata.TradeV2': [
      ...['message_id', 'trade_id', ...head, 'timestamp', 'price', 'quantity', 'currency', 'side', 'trade_conditions'],
      ...tail,
    ],
    'com.k2.marketdata.QuoteV2': [
      ...['message_id', 'quote_id', ...head, 'timestamp', 'bid_price', 'bid_quantity', 'ask_price', 'ask_quantity'],
      ...['currency', ...tail],
    ],
    'com.k2.marketdata.ReferenceDataV2': [
      ...['message_id', 'company_id', ...head, 'company_name', 'isin', 'currency', 'listing_date', 'delisting_date'],
      ...['is_active', 'ingestion_timestamp', 'vendor_data'],
    ],
  })
})

test('the data type in the topic name chooses the schema', async () => {
  const registry = await openFileRegistry(shipped)
  const idOf = async (topic: string) => (await registry.latestForTopic(topic))?.id ?? null
  expect(await idOf('market.equities.trades.asx')).toBe(1)
  expect(await idOf('market.crypto.trades.binance')).toBe(1)
  expect(await idOf('market.equities.quotes.asx')).toBe(2)
  expect(await idOf('market.equities.reference_data.asx')).toBe(3)
  expect(await idOf('market.equities.orders.asx')).toBeNull()
  expect(await idOf('market.equities.trades.asx.more')).toBeNull()
  expect(await idOf('market.trades.asx')).toBeNull()
})

test('an id that the registry does not hold is null', async () => {
  expect(await (await openFileRegistry(shipped)).schemaById(99)).toBeNull()
})

test('an exact subject wins over a pattern before it, and the first fitting pattern over later ones', async () => {
  const subjects = { 'a.*-value': 1, 'a.b-value': 2, '*.*-value': 2 }
  const ids = { '1': 'r.avsc', '2': 'r.avsc' }
  const registry = await openFileRegistry(await folder({ 'ids.json': idsJson(ids, subjects), 'r.avsc': recordSchema }))
  expect((await registry.latestForTopic('a.b'))?.id).toBe(2)
  expect((await registry.latestForTopic('a.c'))?.id).toBe(1)
  expect((await registry.latestForTopic('x.y'))?.id).toBe(2)
})

test('a pattern never matches across a dot, and its other characters stand for themselves', async () => {
  const text = idsJson({ '1': 'r.avsc' }, { 'a+.*-value': 1 })
  const registry = await openFileRegistry(await folder({ 'ids.json': text, 'r.avsc': recordSchema }))
  expect((await registry.latestForTopic('a+.b-c'))?.id).toBe(1)
  expect(await registry.latestForTopic('aa.b')).toBeNull()
  expect(await registry.latestForTopic('a+.b.c')).toBeNull()
})

test.each([
  ['no ids.json', {}, 'ids.json', 'cannot be read'],
  ['ids.json that is not JSON', { 'ids.json': '{' }, 'ids.json', 'not JSON'],
  ['ids.json that is a list', { 'ids.json': '[]' }, 'ids.json', 'file must be an object'],
  ['no subjects', { 'ids.json': '{"ids":{}}' }, 'ids.json', 'subjects must be an object'],
  ['an unknown key', { 'ids.json': '{"ids":{},"subjects":{},"x":1}' }, 'ids.json', 'unknown key x'],
  ['an id beyond 31 bits', { 'ids.json': idsJson({ '2147483648': 'r.avsc' }) }, 'ids.json', '2147483648'],
  ['a negative id', { 'ids.json': idsJson({ '-1': 'r.avsc' }) }, 'ids.json', '-1'],
  ['an id with a leading zero', { 'ids.json': idsJson({ '01': 'r.avsc' }) }, 'ids.json', '01'],
  ['a file outside the folder', { 'ids.json': idsJson({ '1': '../r.avsc' }) }, 'ids.json', '../r.avsc'],
  ['a missing schema file', { 'ids.json': idsJson({ '1': 'gone.avsc' }) }, 'gone.avsc', 'cannot be read'],
  ['a schema that is not JSON', { 'ids.json': idsJson({ '1': 'r.avsc' }), 'r.avsc': 'x' }, 'r.avsc', 'not JSON'],
  [
    'a schema that is no record',
    { 'ids.json': idsJson({ '1': 'r.avsc' }), 'r.avsc': '{"type":"int"}' },
    'r.avsc',
    'record',
  ],
  ['a bad Avro schema', { 'ids.json': idsJson({ '1': 'r.avsc' }), 'r.avsc': '{"type":"record"}' }, 'r.avsc', 'Avro'],
  ['a subject of no id', { 'ids.json': idsJson({}, { 'a-value': 4 }) }, 'ids.json', 'a-value'],
])('%s is refused with the name of the file', async (_case, files, file, reason) => {
  const error = await failureOf(files)
  expect(error.code).toBe('SCHEMA_INVALID')
  expect(error.context['file']).toBe(join(directory, file))
  expect(error.context['reason']).toContain(reason)
})
