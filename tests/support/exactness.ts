// Random schemas and values, written by fastavro, through `k2 run` into tables that pyiceberg and DuckDB read: what they read is what
// fastavro decodes of the same bytes. One proof in two sizes: tests/integration/exactness.test.ts and tests/full/exactness.test.ts.
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createLogDirectory, openLogWriter } from '../../src/shared/kafka/log-writer.ts'
import { writeRecordBatch } from '../../src/shared/kafka/record-batch-writer.ts'
import { k2, placeIn, temporaryFolder } from './k2-process.ts'
import { runReader } from './python-venv.ts'

const BATCH = 20
const topicOf = (index: number): string => `market.test.exact${index}.x`

export async function proveExactness(seed: number, schemas: number, records: number): Promise<void> {
  const place = placeIn(temporaryFolder())
  const [made, registry] = [join(place.folder, 'made'), join(place.folder, 'schemas')]
  await mkdir(made)
  await mkdir(registry)
  await runReader('exactness.py', 'make', made, String(seed), String(schemas), String(records))
  const numbers = Array.from({ length: schemas }, (_, index) => index)
  const ids = Object.fromEntries(numbers.map((index) => [index + 1, `${index}.avsc`]))
  const subjects = Object.fromEntries(numbers.map((index) => [`${topicOf(index)}-value`, index + 1]))
  await writeFile(join(registry, 'ids.json'), JSON.stringify({ ids, subjects }))
  await createLogDirectory(place.log, 'Y2x1c3Rlci1mb3ItdGVzdA')
  for (const index of numbers) {
    await writeFile(join(registry, `${index}.avsc`), await readFile(join(made, `${index}.avsc`)))
    const lines = (await readFile(join(made, `${index}.txt`), 'utf8')).split('\n').slice(0, -1)
    await writeTopic(
      place.log,
      index,
      lines.map((line) => Buffer.from(line, 'base64')),
    )
  }
  const words = [...place.words, '--schemas', registry]
  const run = await k2('run', ...words, '--until-end')
  expect(run.code, run.err).toBe(0)
  const found = await runReader('exactness.py', 'check', made, place.catalog, String(schemas))
  expect(found, `seed ${seed}`).toMatchObject({ differences: [], values: expect.any(Number) })
  const { values } = found as { readonly values: number }
  // Each field of each record, by two readers; a schema has a field at least.
  expect(values).toBeGreaterThanOrEqual(2 * schemas * records)
  const proof = await k2('verify', ...words, '--json')
  expect(proof.code, proof.err).toBe(0)
}

async function writeTopic(directory: string, index: number, values: readonly Buffer[]): Promise<void> {
  const topicId = randomUUID().replaceAll('-', '').slice(0, 22)
  const writer = await openLogWriter({ directory, topicName: topicOf(index), topicId, partition: 0 })
  const head = Buffer.from([0, 0, 0, (index + 1) >> 8, (index + 1) & 255])
  for (let base = 0; base < values.length; base += BATCH) {
    const records = values.slice(base, base + BATCH).map((value, at) => ({
      timestampMs: 1_700_000_000_000 + base + at,
      key: null,
      value: Buffer.concat([head, value]),
    }))
    await writer.append(writeRecordBatch(records, { baseOffset: BigInt(base), codec: 'lz4' }))
  }
  await writer.close()
}
