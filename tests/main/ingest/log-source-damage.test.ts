// Torn, changed and foreign bytes in a log directory.
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from '@node-rs/crc32'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openLogSource } from '../../../src/main/ingest/log-source.ts'
import type { RecordBatches } from '../../../src/main/ingest/record-source.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import { batchCrc } from '../../../src/shared/kafka/record-batch.ts'
import { collect, collectInto, data, failure, marker, offsetsOf, sourceOf, trades } from '../../support/log-reads.ts'
import { batch } from '../../support/record-maker.ts'

describe('broken files', () => {
  const good = [batch(0, 2), batch(2, 2)]
  const goodBytes = good.reduce((sum, bytes) => sum + bytes.length, 0)

  test('cut at each byte of its last batch, the log ends before that batch', async () => {
    const last = batch(4, 3)
    const { source, path } = await sourceOf({ 0: [...good, last] })
    const file = join(path, `${'0'.repeat(20)}.log`)
    for (let cut = last.length - 1; cut >= 0; cut--) {
      await truncate(file, goodBytes + cut)
      expect(await source.partitions()).toMatchObject([{ logEnd: 4n }])
      expect(offsetsOf(await collect(source))).toEqual([0, 1, 2, 3])
    }
  })

  test('a byte changed anywhere in the last batch ends the log before it, or is left to the CRC check of the workers', async () => {
    const last = batch(4, 3)
    for (let at = 0; at < last.length; at++) {
      const changed = last.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x55
      const { source } = await sourceOf({ 0: [...good, changed] })
      // Base offset (0-7) and leader epoch (12-15) are not under the CRC: Kafka cannot know either.
      if (at < 8 || (at >= 12 && at < 16)) continue
      expect(offsetsOf(await collect(source))).toEqual([0, 1, 2, 3])
    }
  })

  test('a tail of zeros, as preallocation leaves it, and a tail of noise are the end of the log', async () => {
    const noise = Uint8Array.from({ length: 5000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255)
    for (const tail of [new Uint8Array(2_000_000), noise]) {
      const { source } = await sourceOf({ 0: [...good, tail] })
      expect(offsetsOf(await collect(source))).toEqual([0, 1, 2, 3])
    }
  })

  test('several torn batches at the end are all passed over', async () => {
    const torn = [batch(4, 2), batch(6, 2)].map((bytes) => bytes.fill(0, 70))
    const { source } = await sourceOf({ 0: [...good, ...torn] })
    expect(offsetsOf(await collect(source))).toEqual([0, 1, 2, 3])
  })

  test('broken bytes with a good batch behind them are SOURCE_CORRUPT, after what came before was read', async () => {
    const cases: readonly (readonly Uint8Array[])[] = [
      [batch(4, 3).subarray(0, 50), batch(7, 1)],
      [new Uint8Array(100), batch(7, 1)],
      [batch(4, 3).fill(0xff, 8, 12), batch(7, 1)],
      [batch(4, 3).fill(1, 16, 17), batch(7, 1)],
      [batch(4, 3).fill(1, 16, 17), new Uint8Array(3_000_000), batch(7, 1)],
    ]
    for (const [i, tail] of cases.entries()) {
      const { source } = await sourceOf({ 0: [...good, ...tail] })
      const slices: RecordBatches[] = []
      const error = await failure(() => collectInto(slices, source))
      expect(offsetsOf(slices), `case ${i}`).toEqual([0, 1, 2, 3])
      expect(error.code).toBe('SOURCE_CORRUPT')
      expect(error.context).toMatchObject({ topic: 'trades', partition: 0, offset: 4n, byte: goodBytes })
      expect(String(error.context['file'])).toMatch(/trades-0\/0{20}\.log$/)
    }
  })

  test('a segment before the last one that ends inside a batch, or holds another format, is SOURCE_CORRUPT', async () => {
    for (const tail of [batch(4, 3).subarray(0, 70), batch(4, 3).subarray(0, 10), batch(4, 3).fill(1, 16, 17)]) {
      const { source } = await sourceOf({ 0: [...good, tail], 7: [batch(7, 1)] })
      const slices: RecordBatches[] = []
      const error = await failure(() => collectInto(slices, source))
      expect(offsetsOf(slices)).toEqual([0, 1, 2, 3])
      expect(error.code).toBe('SOURCE_CORRUPT')
      expect(error.context).toMatchObject({ offset: 4n, byte: goodBytes })
    }
  })

  test('base offsets that go back are SOURCE_CORRUPT, in any segment', async () => {
    for (const segments of [
      { 0: [...good, batch(3, 2)] },
      { 0: [...good, batch(3, 2)], 9: [] },
      { 0: [...good, batch(4, 4)], 6: [batch(6, 1)] },
      { 5: [batch(4, 1)] },
      { 0: good, 9: [batch(6, 1)], 20: [] },
    ]) {
      const { source } = await sourceOf(segments)
      const start = 5 in segments ? 5 : 0
      expect((await failure(() => collect(source, [start]))).code).toBe('SOURCE_CORRUPT')
    }
  })

  test('a log of format v1 is refused, not taken for a torn one', async () => {
    // offset 8 · size 4 · crc 4 (plain CRC-32) · magic 1 · attributes · timestamp 8 · key -1 · value -1
    const message = Buffer.alloc(34)
    message.writeInt32BE(22, 8)
    message.writeInt8(1, 16)
    message.fill(0xff, 26, 34)
    message.writeUInt32BE(crc32(message.subarray(16)), 12)
    const { source } = await sourceOf({ 0: [message] })
    const error = await failure(() => collect(source))
    expect([error.code, error.context['reason']]).toEqual(['SOURCE_CORRUPT', expect.stringContaining('older than v2')])
  })

  test('a codec that nobody knows is CODEC_UNSUPPORTED where the CRC is right', async () => {
    const strange = batch(4, 1)
    strange[22] = 6
    new DataView(strange.buffer).setUint32(17, batchCrc(strange, 0, strange.length))
    const { source } = await sourceOf({ 0: [...good, strange, batch(5, 1)] })
    const error = await failure(() => collect(source))
    expect([error.code, error.context['offset']]).toEqual(['CODEC_UNSUPPORTED', 4n])
  })

  test('any change to any file ends in slices or a named error, never in a hang or a crash', async () => {
    const original = [...good, data(4, 2, 1), marker(6, 1, 'abort'), batch(7, 4, { codec: 'lz4' })]
    const { source, path } = await sourceOf({ 0: original, 11: [batch(11, 2), batch(13, 2)] })
    const files = [`${'0'.repeat(20)}.log`, `${'11'.padStart(20, '0')}.log`].map((name) => join(path, name))
    const contents = await Promise.all(files.map((file) => readFile(file)))
    const change = fc.record({
      file: fc.nat(1),
      at: fc.nat(2000),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
    })
    const check = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const now = contents.map((content) => Buffer.from(content))
      for (const { file, at, bytes } of changes) {
        const target = now[file] ?? Buffer.alloc(0)
        target.set(bytes.subarray(0, target.length - (at % target.length)), at % target.length)
      }
      for (const [i, file] of files.entries()) await writeFile(file, now[i] ?? '')
      const fresh = await openLogSource({ directory: join(path, '..'), topics: trades })
      try {
        for (const slice of await collect(fresh)) expect(slice.next > slice.first).toBe(true)
      } catch (error) {
        if (!(error instanceof IngestError)) throw error
      }
    })
    await fc.assert(check, { numRuns: 150 })
    expect(await source.partitions()).toHaveLength(1)
  })
})
