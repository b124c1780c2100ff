// The RLE / bit-packing hybrid of Parquet (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"): levels and dictionary indices.
// Encode worker, hot. Invariant: every value fits into `width` bits; a bit-packed run is whole groups of eight, the last one padded
// with zeros, which readers drop by the count of values that they know.
import type { ByteSink } from './byte-sink.ts'

/** Bits for numbers 0 to `max`. */
export const bitWidth = (max: number): number => 32 - Math.clz32(max)

/** Bytes of packed values from which a run is worth its own header and that of the packed run after it. */
const runBytesMin = 4

/** Appends values [from, to), without any length in front. */
export function writeHybrid(sink: ByteSink, values: Int32Array, from: number, to: number, width: number): void {
  // Worst case: groups of eight, packed and repeated by turns.
  sink.reserve(Math.ceil((to - from + 8) / 8) * (width + 12) + 16)
  const runMin = Math.max(8, Math.ceil((8 * runBytesMin) / Math.max(1, width)))
  let packedFrom = from
  let at = from
  // Group by group, without a branch a value: whether neighbours are equal is what no processor can foresee.
  while (at + 8 <= to) {
    const value = values[at] as number
    const differs =
      ((values[at + 1] as number) ^ value) |
      ((values[at + 2] as number) ^ value) |
      ((values[at + 3] as number) ^ value) |
      ((values[at + 4] as number) ^ value) |
      ((values[at + 5] as number) ^ value) |
      ((values[at + 6] as number) ^ value) |
      ((values[at + 7] as number) ^ value)
    if (differs !== 0) {
      at += 8
      continue
    }
    let end = at + 8
    while (end < to && values[end] === value) end++
    if (end - at < runMin && end < to) {
      at += 8
      continue
    }
    writePacked(sink, values, packedFrom, at, width)
    writeRun(sink, value, end - at, width)
    packedFrom = end
    at = end
  }
  writePacked(sink, values, packedFrom, to, width)
}

/** Appends one run: `count` times the same value. */
export function writeRun(sink: ByteSink, value: number, count: number, width: number): void {
  sink.varint(count * 2)
  for (let shift = 0; shift < width; shift += 8) sink.byte((value >>> shift) & 0xff)
}

function writePacked(sink: ByteSink, values: Int32Array, from: number, to: number, width: number): void {
  if (from === to) return
  const groups = (to - from + 7) >> 3
  sink.varint(groups * 2 + 1)
  sink.reserve(groups * width + 4)
  const { view } = sink
  const start = sink.length
  let at = start
  let word = 0
  let bits = 0
  for (let index = from; index < to; index++) {
    const value = values[index] as number
    word |= value << bits
    const got = bits + width
    if (got < 32) {
      bits = got
      continue
    }
    view.setInt32(at, word, true)
    at += 4
    word = bits === 0 ? 0 : value >>> (32 - bits)
    bits = got - 32
  }
  const end = start + groups * width
  // What is left, and the padding of the last group.
  for (; at < end; at += 4, word = 0) view.setInt32(at, word, true)
  sink.length = end
}
