import { expect, test } from 'vitest'
import { letterBatches } from '../../../src/main/replay/letter-batches.ts'
import { ReplayReport } from '../../../src/main/replay/replay-report.ts'
import { batchBody, isBatchIntact, readBatchHeader } from '../../../src/shared/kafka/record-batch.ts'
import { RecordCursor } from '../../../src/shared/kafka/record-cursor.ts'
import type { DeadLetter } from '../../../src/shared/letters/dead-letter.ts'

const letter = (offset: bigint, changes: Partial<DeadLetter> = {}): DeadLetter => ({
  topic: 'trades',
  topicId: 'id',
  partition: 0,
  offset,
  timestampUs: 1_768_300_000_000_000n,
  schemaId: 1,
  code: 'RECORD_SCHEMA_UNKNOWN',
  text: '',
  fieldPath: null,
  route: 'r',
  seenAtUs: null,
  version: '1',
  key: null,
  headers: [],
  value: Uint8Array.of(1),
  ...changes,
})

/** What the encode worker walks: offset, time and the bytes of each record. */
function walked(
  bytes: Uint8Array,
): { offset: bigint; ms: number; key: string | null; value: string; headers: number }[] {
  const records = []
  const cursor = new RecordCursor()
  for (let at = 0; at < bytes.length; ) {
    const header = readBatchHeader(bytes, at)
    if (header === null || !isBatchIntact(bytes, at, header)) throw new Error('not a whole batch')
    const body = batchBody(bytes, at, header)
    cursor.reset(body, header.recordCount, header.lastOffsetDelta)
    while (cursor.next()) {
      records.push({
        offset: header.baseOffset + BigInt(cursor.offsetDelta),
        ms: Number(header.baseTimestamp) + cursor.timestampDelta,
        key: cursor.keyStart < 0 ? null : Buffer.from(body.subarray(cursor.keyStart, cursor.keyEnd)).toString(),
        value: Buffer.from(body.subarray(cursor.valueStart, cursor.valueEnd)).toString('hex'),
        headers: cursor.headerCount,
      })
    }
    at += header.length
  }
  return records
}

test('letters become record batches again: their places, times, keys and bytes, a slice a partition, offsets rising', () => {
  const slices = letterBatches([
    letter(900n, { value: Uint8Array.of(9), key: Buffer.from('k'), headers: [{ key: 'h', value: null }] }),
    letter(7n, { timestampUs: null }),
    letter(3n, { partition: 4 }),
    letter(8n, { topicId: 'made again' }),
    // Further apart than the offsets of one batch can be.
    letter(5_000_000_000n),
  ])
  expect(
    slices.map(({ topic, partition, first, next, recordCount }) => [topic, partition, first, next, recordCount]),
  ).toEqual([
    ['dead-letters/id', 0, 7n, 5_000_000_001n, 3],
    ['dead-letters/id', 4, 3n, 4n, 1],
    ['dead-letters/made again', 0, 8n, 9n, 1],
  ])
  expect(walked(slices[0]?.bytes ?? new Uint8Array(0))).toEqual([
    { offset: 7n, ms: -1, key: null, value: '01', headers: 0 },
    { offset: 900n, ms: 1_768_300_000_000, key: 'k', value: '09', headers: 1 },
    { offset: 5_000_000_000n, ms: 1_768_300_000_000, key: null, value: '01', headers: 0 },
  ])
})

test('a report that begins again keeps what is committed, and does not take it for the work of an earlier replay', () => {
  const first = new ReplayReport()
  const code = 'RECORD_SCHEMA_UNKNOWN'
  first.sent(code, { letters: 10, rows: 8, stillBad: { RECORD_TRUNCATED: 2 } })
  first.left(letter(1n), { obstacle: 'RECORD_SCHEMA_UNKNOWN' })
  const next = first.again()
  expect(next.total).toBe(8)
  // The eight rows are found in the table now, and one that another replay made meanwhile.
  for (let offset = 0n; offset < 9n; offset++) next.left(letter(offset), 'row')
  next.sent(code, { letters: 2, rows: 0, stillBad: { RECORD_TRUNCATED: 2 } })
  expect(next.byCode.get(code)).toEqual({
    letters: 11,
    rows: 8,
    before: 1,
    stillBad: new Map([['RECORD_TRUNCATED', 2]]),
  })
})
