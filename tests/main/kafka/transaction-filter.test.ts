import { describe, expect, test } from 'vitest'
import { visibleBatches } from '../../../src/main/kafka/transaction-filter.ts'
import { data, marker } from '../../support/log-reads.ts'
import { batch, offsetsIn } from '../../support/record-maker.ts'

const log = (...pieces: Uint8Array[]): Uint8Array => Buffer.concat(pieces)
const seen = (bytes: Uint8Array, aborted: [number, number][], first = 0n, before: bigint | null = null) => {
  const list = aborted.map(([id, at]) => ({ producerId: BigInt(id), first: BigInt(at) }))
  const visible = visibleBatches(bytes, list, first, before)
  return { offsets: offsetsIn(visible.bytes), next: visible.next, recordCount: visible.recordCount }
}

describe('visibleBatches', () => {
  test('drops aborted transactions and control batches, and keeps what others wrote in between', () => {
    const bytes = log(
      data(0, 2, 7),
      batch(2, 2),
      data(4, 1, 7),
      marker(5, 7, 'abort'),
      data(6, 2, 7),
      marker(8, 7, 'commit'),
    )
    expect(seen(bytes, [[7, 0]])).toEqual({ offsets: [2, 3, 6, 7], next: 9n, recordCount: 4 })
  })
  test('drops an aborted batch whose marker comes with a later response', () => {
    expect(seen(log(data(10, 3, 7)), [[7, 10]])).toEqual({ offsets: [], next: 13n, recordCount: 0 })
  })
  test('keeps two aborted transactions of one producer apart by the marker between them', () => {
    const bytes = log(data(0, 1, 7), marker(1, 7, 'abort'), data(2, 1, 7), marker(3, 7, 'commit'), data(4, 1, 7))
    expect(
      seen(bytes, [
        [7, 4],
        [7, 0],
      ]),
    ).toEqual({ offsets: [2], next: 5n, recordCount: 1 })
  })
  test('a plain batch of a producer with an aborted transaction stays', () => {
    expect(seen(log(batch(0, 1), data(1, 1, 9)), [[7, 0]]).offsets).toEqual([0, 1])
  })
  test('passes over batches below the first offset and stops before the end', () => {
    const bytes = log(batch(0, 4), batch(4, 4), batch(8, 4), batch(12, 4))
    expect(seen(bytes, [], 6n, 10n)).toEqual({ offsets: [4, 5, 6, 7, 8, 9, 10, 11], next: 12n, recordCount: 8 })
  })
  test('ends before a batch that nobody will see again and that is damaged', () => {
    const bad = data(4, 2, 7)
    bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1
    const visible = visibleBatches(log(batch(0, 4), bad, batch(6, 2)), [{ producerId: 7n, first: 4n }], 0n, null)
    expect([offsetsIn(visible.bytes), visible.next]).toEqual([[0, 1, 2, 3], 4n])
    expect(visible.failure).toMatchObject({ code: 'SOURCE_CORRUPT', context: { offset: 4n, reason: 'CRC mismatch' } })
    // Whoever decodes it sees it, and checks it.
    expect(visibleBatches(log(batch(0, 4), bad), [], 0n, null).failure).toBeNull()
  })
})
