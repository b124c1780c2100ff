import { expect, test } from 'vitest'
import { decodeRawFetch } from '../../../src/main/kafka/raw-fetch.ts'
import { array, int8, int32, int64, string } from '../../../src/main/kafka/wire.ts'
import { batch } from '../../support/record-maker.ts'

const int16 = (value: number): Buffer => Buffer.concat([int8(value >> 8), int8(value)])

/** A Fetch v11 response with one topic; [partition, records]. */
function response(...partitions: readonly (readonly [number, Uint8Array])[]): Buffer {
  const aborted = array([Buffer.concat([int64(77n), int64(5n)])])
  const parts = partitions.map(([partition, records]) =>
    Buffer.concat([
      ...[int32(partition), int16(0), int64(100n), int64(90n), int64(3n), aborted, int32(-1)],
      ...[int32(records.length), Buffer.from(records)],
    ]),
  )
  return Buffer.concat([int32(0), int16(0), int32(0), array([Buffer.concat([string('trades'), array(parts)])])])
}

const decodedParts = async (bytes: Buffer) => (await decodeRawFetch(bytes)).responses[0]?.partitions ?? []

test('a response yields whole batches per partition, with what was aborted; the cut one at the end is left', async () => {
  const whole = Buffer.concat([batch(10, 3), batch(13, 2)])
  const cut = batch(15, 5).subarray(0, -1)
  const [zero, one, two] = await decodedParts(
    response([0, Buffer.concat([whole, cut])], [1, cut], [2, new Uint8Array()]),
  )
  expect(zero).toMatchObject({ partition: 0, highWatermark: '100', lastStableOffset: '90', abortedTransactions: [] })
  expect(zero?.messages).toHaveLength(1)
  expect(zero?.messages[0]?.offset).toBe('14')
  expect(zero?.messages[0]?.raw.bytes.equals(whole)).toBe(true)
  expect(zero?.messages[0]?.raw.aborted).toEqual([{ producerId: 77n, first: 5n }])
  expect([one?.messages, two?.messages]).toEqual([[], []])
})

test('a message of a format before v2 is refused by name', async () => {
  const old = batch(10, 3)
  old[16] = 1
  await expect(decodedParts(response([0, old]))).rejects.toMatchObject({
    code: 'BROKER_UNSUPPORTED',
    context: { topic: 'trades', partition: 0, offset: 10n },
  })
})
