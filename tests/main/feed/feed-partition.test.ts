import { expect, test } from 'vitest'
import { FeedPartition } from '../../../src/main/feed/feed-partition.ts'

test('records that were taken keep their values while the next ones are written over them', () => {
  const partition = new FeedPartition({ topic: 't', partition: 0, codec: 'none', batchRecords: 2, next: 0n, found: 0 })
  const write = (value: string): boolean => {
    partition.writer.string(value)
    return partition.end(1, Uint8Array.of(1))
  }
  expect([write('a'), write('bb')]).toEqual([false, true])
  const taken = partition.take()
  expect(partition.pending).toBe(0)
  write('zzz')
  expect(taken.map(({ value }) => Buffer.from(value).toString('hex'))).toEqual(['0261', '046262'])
})
