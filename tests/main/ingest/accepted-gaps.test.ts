import { expect, test } from 'vitest'
import { AcceptedGaps } from '../../../src/main/ingest/accepted-gaps.ts'
import { IngestError } from '../../../src/shared/errors.ts'

const partition = {
  topic: 'c/t',
  topicName: 'trades',
  partition: 0,
  logStart: 100n,
  logEnd: 1_000n,
  start: 0n,
  end: 1_000n,
  isAssigned: true,
}
const outside = (context: Record<string, bigint>): IngestError =>
  new IngestError('POSITION_OUT_OF_RANGE', { topic: 'trades', partition: 0, ...context })
const all = () => new AcceptedGaps({ kind: 'all' })

test('retention goes on from the log start, a cut log from where it was cut', () => {
  expect(all().take(outside({ position: 40n }), [partition])).toMatchObject({
    next: 100n,
    why: 'retention',
    position: 40n,
  })
  expect(all().take(outside({ position: 2_000n }), [partition])).toMatchObject({ next: 1_000n, why: 'truncated' })
  expect(all().take(outside({ position: 900n, epochEnd: 700n }), [partition])).toMatchObject({ next: 700n })
  expect(all().take(outside({ position: 900n, epochEnd: 70n }), [partition])).toMatchObject({ next: 100n })
})

test('a partition is moved once, and only one that was named', () => {
  const gaps = new AcceptedGaps({ kind: 'partitions', partitions: ['trades/0'] })
  expect(gaps.take(outside({ position: 40n }), [partition])).not.toBeNull()
  expect(gaps.take(outside({ position: 40n }), [partition])).toBeNull()
  const others = new AcceptedGaps({ kind: 'partitions', partitions: ['trades/1'] })
  expect(others.take(outside({ position: 40n }), [partition])).toBeNull()
  expect(new AcceptedGaps(null).take(outside({ position: 40n }), [partition])).toBeNull()
})

test('what is no lost offset is left to whoever caught it', () => {
  expect(all().take(new IngestError('TOPIC_RECREATED', { topic: 'trades' }), [partition])).toBeNull()
  expect(all().take(outside({ position: 500n }), [partition])).toBeNull()
  expect(all().take(new Error('any'), [partition])).toBeNull()
})
