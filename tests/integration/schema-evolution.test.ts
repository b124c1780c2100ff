// Writer schemas that change while a run reads, two ids alternating: one table each, brought to hold both, read back by readers that are
// not ours and proven; a schema that does not fit ends its own topic and no other.
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import avro from 'avsc'
import { expect, test } from 'vitest'
import { createLogDirectory, openLogWriter } from '../../src/shared/kafka/log-writer.ts'
import { writeRecordBatch } from '../../src/shared/kafka/record-batch-writer.ts'
import { compatibleCases, type EvolutionCase, incompatibleCases } from '../support/evolution-cases.ts'
import { BEFORE, EVOLVING_RECORDS, evolutionFiles, rowsOf, tableOf, topicOf } from '../support/evolution-files.ts'
import { k2, temporaryFolder } from '../support/k2-process.ts'
import { pythonWithReaders, runReader } from '../support/python-venv.ts'

const RECORDS = EVOLVING_RECORDS

interface Evolving {
  readonly words: readonly string[]
  readonly catalogFile: string
  readonly schemas: string
}

/** A log directory of all cases, and a registry whose newest schema is still the first of each. */
async function evolving(cases: readonly EvolutionCase[]): Promise<Evolving> {
  const folder = temporaryFolder()
  const [log, schemas, catalogFile] = [join(folder, 'log'), join(folder, 'schemas'), join(folder, 'catalog.db')]
  await createLogDirectory(log, 'Y2x1c3Rlci1mb3ItdGVzdA')
  const bytesOf = await evolutionFiles(cases, schemas)
  for (const each of cases) await writeRecords(log, topicOf(each), (index) => bytesOf(each, index))
  const words = ['--source', log, '--schemas', schemas, '--catalog', `sqlite:${catalogFile}`]
  return { words: [...words, '--warehouse', join(folder, 'warehouse')], catalogFile, schemas }
}

async function writeRecords(log: string, topicName: string, bytesOf: (index: number) => Buffer): Promise<void> {
  const topicId = randomUUID().replaceAll('-', '').slice(0, 22)
  const writer = await openLogWriter({ directory: log, topicName, topicId, partition: 0 })
  for (let base = 0; base < RECORDS; base += 8) {
    const records = Array.from({ length: 8 }, (_, at) => ({
      timestampMs: 1_700_000_000_000 + base + at,
      key: null,
      value: bytesOf(base + at),
    }))
    await writer.append(writeRecordBatch(records, { baseOffset: BigInt(base) }))
  }
  await writer.close()
}

type Rows = readonly Readonly<Record<string, unknown>>[]
interface Read {
  readonly schema: Readonly<Record<string, string>>
  readonly pyiceberg: Rows
  readonly duckdb: Rows
}

test('fields added, widened, loosened, renamed, reordered and removed, at the top and inside: every row as it was written', async () => {
  await pythonWithReaders()
  const place = await evolving(compatibleCases)
  const run = await k2('run', ...place.words, '--until-end', '--chunk-rows', '7')
  expect(run.code, run.err).toBe(0)
  expect(run.err).toContain('"msg":"schema evolved"')
  const read = (await runReader('read_rows.py', place.catalogFile, ...compatibleCases.map(tableOf))) as Record<
    string,
    Read
  >
  for (const each of compatibleCases) {
    const found = read[tableOf(each)]
    expect(found?.schema, each.name).toMatchObject(each.types)
    expect(found?.pyiceberg, each.name).toEqual(rowsOf(each, RECORDS))
    expect(found?.duckdb.map(asPairs), each.name).toEqual(rowsOf(each, RECORDS))
  }
  const proof = await k2('verify', ...place.words, '--json')
  expect(proof.code, proof.err + proof.out).toBe(0)
}, 120_000)

/** DuckDB hands a map over as an object. */
const asPairs = (row: Readonly<Record<string, unknown>>): unknown => {
  const { x } = row
  if (typeof x !== 'object' || x === null || !('k' in x)) return row
  return { ...row, x: Object.entries(x) }
}

test('a schema that does not fit ends its topic, with the field and both types; the others are read to their end', async () => {
  const other = compatibleCases[0]
  if (other === undefined) throw new Error('no cases')
  const place = await evolving([...incompatibleCases, other])
  const run = await k2('run', ...place.words, '--until-end')
  expect(run.code).toBe(1)
  for (const each of incompatibleCases) {
    const line = run.err
      .split('\n')
      .find((text) => text.includes('SCHEMA_INCOMPATIBLE') && text.includes(tableOf(each)))
    expect(line, each.name).toContain(each.path)
    for (const type of each.types2) expect(line, each.name).toContain(type)
  }
  const tables = [...incompatibleCases, other].map(tableOf)
  const read = (await runReader('read_rows.py', place.catalogFile, ...tables)) as Record<string, Read>
  expect(read[tableOf(other)]?.pyiceberg).toEqual(rowsOf(other, RECORDS))
  // What lies before the first record that does not fit is there.
  for (const each of incompatibleCases) expect(read[tableOf(each)]?.pyiceberg).toEqual(rowsOf(each, BEFORE))
}, 120_000)

test('a topic whose schema does not fit is held, and the other topic of its table is read to its end', async () => {
  const retyped = incompatibleCases.find(({ name }) => name === 'retyped')
  const [first] = retyped?.versions ?? []
  if (retyped === undefined || first === undefined) throw new Error('no case')
  const place = await evolving([retyped])
  const beside = 'market.test.retyped.y'
  const record = { type: 'record', name: 'Row', fields: [...first.fields] }
  const type = avro.Type.forSchema(structuredClone(record) as unknown as avro.Schema)
  const head = Buffer.from([0, 0, 0, 0, 1])
  await writeRecords(join(dirname(place.catalogFile), 'log'), beside, (index) =>
    Buffer.concat([head, type.toBuffer(first.record(index))]),
  )
  const ids = { 1: 'retyped-0.avsc', 2: 'retyped-1.avsc' }
  const subjects = { [`${topicOf(retyped)}-value`]: 1, [`${beside}-value`]: 1 }
  await writeFile(join(place.schemas, 'ids.json'), JSON.stringify({ ids, subjects }))
  const run = await k2('run', ...place.words, '--until-end')
  expect(run.code).toBe(1)
  const held = run.err.split('\n').find((line) => line.includes('topic is held'))
  for (const word of ['SCHEMA_INCOMPATIBLE', topicOf(retyped), 'x.s', 'long', 'string']) expect(held).toContain(word)
  const read = (await runReader('read_rows.py', place.catalogFile, tableOf(retyped))) as Record<string, Read>
  const rows = [...Array(BEFORE), ...Array(RECORDS)].map((_, index) =>
    first.row(index < BEFORE ? index : index - BEFORE),
  )
  const byId = (a: Readonly<Record<string, unknown>>, b: typeof a): number => Number(a['id']) - Number(b['id'])
  expect(read[tableOf(retyped)]?.pyiceberg.toSorted(byId)).toEqual(rows.toSorted(byId))
}, 60_000)

test('tables plan says what a run would do, and why it would not', async () => {
  const [added] = compatibleCases
  const [rescaled] = incompatibleCases
  if (added === undefined || rescaled === undefined) throw new Error('no cases')
  const place = await evolving([added, rescaled])
  const words = place.words.slice(2)
  const plan = (...topics: string[]) => k2('tables', 'plan', ...words, '--topic', topics.join(','), '--json')
  const before = await plan(topicOf(added))
  expect(JSON.parse(before.out)).toMatchObject({ tables: [{ table: tableOf(added), plan: 'make' }] })
  await k2('run', ...place.words, '--topic', topicOf(added), '--until-end', '--max-messages', String(BEFORE))
  await k2('run', ...place.words, '--topic', topicOf(rescaled), '--until-end', '--max-messages', String(BEFORE))
  const kept = await plan(topicOf(added))
  expect(JSON.parse(kept.out)).toMatchObject({ tables: [{ plan: 'keep', lines: [] }] })
  // The second schema of each becomes the newest.
  const subjects = { [`${topicOf(added)}-value`]: 2, [`${topicOf(rescaled)}-value`]: 4 }
  const ids = { 1: 'added-0.avsc', 2: 'added-1.avsc', 3: 'rescaled-0.avsc', 4: 'rescaled-1.avsc' }
  await writeFile(join(place.schemas, 'ids.json'), JSON.stringify({ ids, subjects }))
  const after = await plan(topicOf(added), topicOf(rescaled))
  expect(after.code).toBe(1)
  const { tables } = JSON.parse(after.out) as { readonly tables: readonly Record<string, unknown>[] }
  expect(tables).toMatchObject([
    {
      plan: 'evolve',
      changes: [
        { kind: 'added', path: 'a', type: 'string' },
        { kind: 'added', path: 'b', type: 'int' },
        { kind: 'added', path: 'p', type: 'struct' },
      ],
    },
    { plan: 'refuse', error: { code: 'SCHEMA_INCOMPATIBLE', path: 'd' } },
  ])
}, 60_000)
