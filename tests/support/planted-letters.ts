// A log with some twenty kinds of bad records among good ones, for what a user sees of dead letters. Good trades lie before, between
// and behind them, in two partitions.
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { syntheticTopic } from '../../src/main/feed/synthetic.ts'
import type { ErrorCode } from '../../src/shared/errors.ts'
import type { RecordInput } from '../../src/shared/kafka/record-batch-writer.ts'
import { appendBatch, badRecords, goodRecord, schemas } from './bad-records.ts'
import { tradeRecord } from './trade-v2.ts'

export interface PlantedLetter {
  readonly partition: number
  readonly offset: bigint
  readonly code: ErrorCode
  readonly record: RecordInput
}

const AT_MS = 1_768_300_000_000
const frame = (schemaId: number, value: Iterable<number>): Uint8Array =>
  Uint8Array.from([0, 0, 0, schemaId >> 8, schemaId & 255, ...value])
const record = (value: Uint8Array, more: Partial<RecordInput> = {}): RecordInput => ({
  timestampMs: AT_MS,
  key: Buffer.from('bad'),
  value,
  ...more,
})
const headers = [
  { key: 'trace', value: Buffer.from([0, 255, 10]) },
  { key: 'größe', value: null },
  { key: 'trace', value: new Uint8Array(0) },
]

/** Schema id that only a registry which was repaired knows: the trades schema once more. */
export const LATER_SCHEMA_ID = 260

/** Whole trades under that id: bad until the registry knows it. */
export const repairableRecord = (index: number, more: Partial<RecordInput> = {}): RecordInput =>
  record(frame(LATER_SCHEMA_ID, tradeRecord(index)), { timestampMs: AT_MS + index, ...more })

const kinds: readonly (readonly [ErrorCode, RecordInput])[] = [
  ...badRecords,
  ['RECORD_NOT_FRAMED', record(Uint8Array.of(0, 0, 0, 0))],
  ['RECORD_NOT_FRAMED', record(Uint8Array.of(1, 0, 0, 0, 1, 7), { key: null })],
  ['RECORD_NOT_FRAMED', record(Buffer.from('\u001b[31mnot avro\n'), { headers })],
  ['RECORD_TRUNCATED', record(frame(1, []))],
  ['RECORD_TRUNCATED', record(frame(1, tradeRecord(8).slice(0, -1)), { timestampMs: -1 })],
  ['RECORD_TRAILING_BYTES', record(frame(1, [...tradeRecord(9), 0]), { key: new Uint8Array(0), headers })],
  ['RECORD_TRAILING_BYTES', record(frame(1, [...tradeRecord(10), ...new Uint8Array(9_000)]))],
  ['RECORD_SCHEMA_UNKNOWN', record(frame(77, tradeRecord(11)))],
  ['RECORD_SCHEMA_UNKNOWN', record(frame(LATER_SCHEMA_ID, tradeRecord(12).slice(0, 60)))],
  ['RECORD_SCHEMA_UNKNOWN', repairableRecord(13)],
  ['RECORD_SCHEMA_UNKNOWN', repairableRecord(14, { headers, key: null })],
  ['RECORD_SCHEMA_UNKNOWN', repairableRecord(15, { timestampMs: -1 })],
]

/** Appends good and bad records to both partitions of a log that is there; those that are bad, by partition and offset. */
export async function plantLetters(log: string): Promise<readonly PlantedLetter[]> {
  const planted: PlantedLetter[] = []
  for (const partition of [0, 1]) {
    const records = kinds.flatMap(([, bad], index) => [goodRecord(2 * index), bad, goodRecord(2 * index + 1)])
    const first = await appendBatch(log, syntheticTopic, partition, records)
    for (const [index, [code, bad]] of kinds.entries()) {
      planted.push({ partition, offset: first + BigInt(3 * index + 1), code, record: bad })
    }
  }
  return planted
}

/** Good records in both partitions. */
export const GOOD_BESIDE = 2 * 2 * kinds.length
export const isRepairable = ({ record: { value } }: PlantedLetter): boolean =>
  value !== null && value.length > 100 && value[3] === LATER_SCHEMA_ID >> 8 && value[4] === (LATER_SCHEMA_ID & 255)

/** A registry folder of its own, as it ships, or with the later schema in it. */
export async function registryFolder(folder: string, isRepaired: boolean): Promise<string> {
  const path = join(folder, isRepaired ? 'schemas-repaired' : 'schemas-first')
  await cp(schemas, path, { recursive: true })
  if (!isRepaired) return path
  const file = join(path, 'ids.json')
  const { ids, ...rest } = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ids: { ...ids, [LATER_SCHEMA_ID]: 'trade_v2.avsc' }, ...rest }))
  return path
}
