// What the machine gives at the hour of the bench, with nothing of K2 in it: a fixed loop, a copy, zstd, an fsync. Absolute figures of
// two benches are compared by these first.
import { mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import * as zlib from 'node:zlib'
import { type BenchOptions, type Figure, median, timed } from './figure.ts'

const LOOPS = 20_000_000
const COPY_BYTES = 64 * 1024 * 1024
const PACK_BYTES = 4 * 1024 * 1024
const TIMES = 7

export async function calibration(options: BenchOptions): Promise<readonly Figure[]> {
  let kept = 0
  const loop = await medianMs(() => {
    // A linear congruence: integer work that no compiler can drop, in registers only.
    let word = 1
    for (let count = 0; count < LOOPS; count++) word = (Math.imul(word, 1_664_525) + 1_013_904_223) | 0
    kept ^= word
  })
  const [from, to] = [new Uint8Array(COPY_BYTES).fill(1), new Uint8Array(COPY_BYTES)]
  const copy = await medianMs(() => to.set(from))
  const sample = textLike(PACK_BYTES)
  const pack = packer()
  const packMs = await medianMs(() => {
    kept ^= pack.run(sample).length
  })
  const syncMs = await medianMs(() => writeSynced(join(options.folder, 'calibration')))
  if (kept === 0.5) throw new Error('never')
  return [
    {
      name: 'calibration',
      value: LOOPS / 1000 / loop,
      unit: 'million steps/s',
      reference: null,
      ratio: null,
      cpuUsPerMessage: null,
      rssMb: null,
      runs: [],
      gates: [],
      details: [
        { name: 'copy in memory', value: COPY_BYTES / 1e6 / copy, unit: 'GB/s' },
        { name: pack.name, value: PACK_BYTES / 1000 / packMs, unit: 'MB/s' },
        { name: 'write and fsync of 64 KiB', value: syncMs, unit: 'ms' },
      ],
    },
  ]
}

async function medianMs(work: () => unknown): Promise<number> {
  const times: number[] = []
  await work()
  for (let count = 0; count < TIMES; count++) times.push(await timed(work))
  return median(times)
}

/** Compresses about as well as a column of numbers: words of a small alphabet, from a fixed seed. */
function textLike(bytes: number): Uint8Array {
  const sample = new Uint8Array(bytes)
  let word = 1
  for (let at = 0; at < bytes; at++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) | 0
    sample[at] = (word >>> 24) & 0x1f
  }
  return sample
}

/** zstd at the level of Parquet files, where this Node has it; types of Node 20 do not know it. */
function packer(): { readonly name: string; readonly run: (bytes: Uint8Array) => Uint8Array } {
  const zstd: unknown = Reflect.get(zlib, 'zstdCompressSync')
  if (typeof zstd !== 'function') return { name: 'gzip of node:zlib', run: (bytes) => zlib.gzipSync(bytes) }
  return {
    name: 'zstd of node:zlib',
    run: (bytes) => {
      const packed: unknown = Reflect.apply(zstd, zlib, [bytes])
      if (!(packed instanceof Uint8Array)) throw new Error('zstd of node:zlib gave no bytes')
      return packed
    },
  }
}

async function writeSynced(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const file = await open(join(folder, 'file'), 'w')
  try {
    await file.writeFile(new Uint8Array(64 * 1024))
    await file.sync()
  } finally {
    await file.close()
  }
}
