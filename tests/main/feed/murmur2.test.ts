import { expect, test } from 'vitest'
import { murmur2, partitionFor } from '../../../src/main/feed/murmur2.ts'

// Apache Kafka, UtilsTest.testMurmur2.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s is what Kafka computes', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash)
})

test('a negative hash loses its sign bit before the modulo, as in Java', () => {
  expect(partitionFor(Buffer.from('21'), 4)).toBe((-973932308 & 0x7fffffff) % 4)
  for (const key of ['', 'a', 'ab', 'BHP', 'BTCUSDT']) {
    const partition = partitionFor(Buffer.from(key), 7)
    expect(partition).toBeGreaterThanOrEqual(0)
    expect(partition).toBeLessThan(7)
  }
})
