import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PartitionLog } from '../../../src/shared/kafka/partition-log.ts'
import { writeTransactionMarker } from '../../../src/shared/kafka/record-batch-writer.ts'
import { TransactionIndex } from '../../../src/shared/kafka/transaction-index.ts'
import { batch, emptyLog, writeSegments } from '../../support/record-maker.ts'

const producer = (id: number) => ({ id: BigInt(id), epoch: 0, baseSequence: 0 })

/** 40 producers begin a transaction each at offset = id, then end in reverse; odd ones abort. The first one stays open. */
async function crossing() {
  const log: Uint8Array[] = []
  for (let id = 0; id < 40; id++) log.push(batch(id, 1, { kind: 'transactional', producer: producer(id) }))
  for (let id = 39, at = 40; id > 0; id--, at++) {
    log.push(
      writeTransactionMarker({
        baseOffset: BigInt(at),
        marker: id % 2 === 1 ? 'abort' : 'commit',
        producer: producer(id),
        timestampMs: 0,
      }),
    )
  }
  const directory = await emptyLog()
  await writeSegments(directory, 'trades', 0, { 0: log.slice(0, 50), 50: log.slice(50, 60), 60: log.slice(60) })
  return new PartitionLog({ topicName: 'trades', partition: 0, path: join(directory, 'trades-0') }).refresh()
}

test.each([100_000, 5, 1, 0])(
  'with room for %d markers every transaction is found to have ended as it did',
  async (markersMax) => {
    const view = await crossing()
    const index = new TransactionIndex(0n, 0, markersMax)
    expect(await index.endOf(0n, 0n, view)).toBe('open')
    for (let id = 1; id < 40; id++) {
      expect(await index.endOf(BigInt(id), BigInt(id), view)).toBe(id % 2 === 1 ? 'aborted' : 'committed')
      expect(index.markerCount).toBeLessThanOrEqual(markersMax)
    }
  },
)

test('a marker counts only for what its producer wrote before it', async () => {
  const view = await crossing()
  const index = new TransactionIndex(0n, 0)
  expect(await index.endOf(39n, 39n, view)).toBe('aborted')
  expect(await index.endOf(39n, 40n, view)).toBe('open')
})
