// DELTA_BINARY_PACKED (Encodings.md, "Delta Encoding"): blocks of 128 steps, four miniblocks of 32, each as narrow as its widest step.
// Encode worker, hot. Invariant: sums and steps wrap at 32 or 64 bits as the spec says, so every value comes back whatever the steps
// are. 64-bit values are two words; steps below 2^52 are counted in doubles, exactly, the others word by word.
import type { ByteSink } from './byte-sink.ts'

const blockLength = 128
const miniblockLength = 32
const miniblocks = blockLength / miniblockLength
/** Most bytes of a block: least step, widths, and 64 bits a step. */
const blockBytesMax = 10 + miniblocks + 8 * blockLength + 8
const two32 = 4294967296
const exactMax = 2 ** 52

/** Steps of one block: as doubles, or as words. */
const steps = new Float64Array(blockLength)
const lows = new Int32Array(blockLength)
const highs = new Int32Array(blockLength)

function header(sink: ByteSink, count: number, low: number, high: number): void {
  sink.varint(blockLength)
  sink.varint(miniblocks)
  sink.varint(count)
  sink.zigzag64(low, high)
}

/** Appends values [from, to) of 32 bits. */
export function writeDeltaInt32(sink: ByteSink, values: Int32Array, from: number, to: number): void {
  const first = from < to ? (values[from] as number) : 0
  header(sink, to - from, first, first >> 31)
  let before = first
  for (let at = from + 1; at < to; at += blockLength) {
    const length = Math.min(blockLength, to - at)
    let least = 2147483647
    for (let index = 0; index < length; index++) {
      const value = values[at + index] as number
      const step = (value - before) | 0
      lows[index] = step
      if (step < least) least = step
      before = value
    }
    sink.reserve(blockBytesMax)
    sink.zigzag64(least, least >> 31)
    const widthsAt = reserveWidths(sink)
    for (let start = 0; start < length; start += miniblockLength) {
      const end = Math.min(length, start + miniblockLength)
      let used = 0
      for (let index = start; index < end; index++) {
        const rest = ((lows[index] as number) - least) | 0
        lows[index] = rest
        used |= rest
      }
      const width = 32 - Math.clz32(used)
      sink.bytes[widthsAt + start / miniblockLength] = width
      packLows(sink, start, end, width)
    }
  }
}

/** Appends values [from, to) of 64 bits, two words each. */
export function writeDeltaInt64(sink: ByteSink, words: Int32Array, from: number, to: number): void {
  const [low, high] = from < to ? [words[2 * from] as number, words[2 * from + 1] as number] : [0, 0]
  header(sink, to - from, low, high)
  for (let at = from + 1; at < to; at += blockLength) {
    const length = Math.min(blockLength, to - at)
    sink.reserve(blockBytesMax)
    if (stepsExactly(words, at, length)) writeExactBlock(sink, length)
    else writeWordBlock(sink, words, at, length)
  }
}

const range = { least: 0 }

/** Fills `steps`; false where one of them may not be exact. */
function stepsExactly(words: Int32Array, at: number, length: number): boolean {
  let low = (words[2 * at - 2] as number) >>> 0
  let high = words[2 * at - 1] as number
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (let index = 0; index < length; index++) {
    const nextLow = (words[2 * (at + index)] as number) >>> 0
    const nextHigh = words[2 * (at + index) + 1] as number
    const step = (nextHigh - high) * two32 + (nextLow - low)
    steps[index] = step
    if (step < least) least = step
    if (step > most) most = step
    low = nextLow
    high = nextHigh
  }
  range.least = least
  return least >= -exactMax && most <= exactMax
}

function writeExactBlock(sink: ByteSink, length: number): void {
  const { least } = range
  sink.zigzag64(least | 0, Math.floor(least / two32))
  const widthsAt = reserveWidths(sink)
  for (let start = 0; start < length; start += miniblockLength) {
    const end = Math.min(length, start + miniblockLength)
    let most = 0
    for (let index = start; index < end; index++) {
      const rest = (steps[index] as number) - least
      if (rest > most) most = rest
      lows[index] = rest
    }
    const isNarrow = most < two32
    const width = isNarrow ? 32 - Math.clz32(most) : 64 - Math.clz32(most / two32)
    sink.bytes[widthsAt + start / miniblockLength] = width
    if (isNarrow) {
      packLows(sink, start, end, width)
      continue
    }
    for (let index = start; index < end; index++) highs[index] = ((steps[index] as number) - least) / two32
    packWords(sink, start, end, width)
  }
}

/** As {@link writeExactBlock}, with steps of any size, modulo 2^64. */
function writeWordBlock(sink: ByteSink, words: Int32Array, at: number, length: number): void {
  let leastLow = -1
  let leastHigh = 2147483647
  for (let index = 0; index < length; index++) {
    const place = 2 * (at + index)
    const low = (words[place] as number) >>> 0
    const lowBefore = (words[place - 2] as number) >>> 0
    const stepLow = (low - lowBefore) | 0
    const stepHigh = ((words[place + 1] as number) - (words[place - 1] as number) - (low < lowBefore ? 1 : 0)) | 0
    lows[index] = stepLow
    highs[index] = stepHigh
    if (stepHigh < leastHigh || (stepHigh === leastHigh && stepLow >>> 0 < leastLow >>> 0)) {
      leastLow = stepLow
      leastHigh = stepHigh
    }
  }
  sink.zigzag64(leastLow, leastHigh)
  const widthsAt = reserveWidths(sink)
  for (let start = 0; start < length; start += miniblockLength) {
    const end = Math.min(length, start + miniblockLength)
    let usedLow = 0
    let usedHigh = 0
    for (let index = start; index < end; index++) {
      const low = (lows[index] as number) >>> 0
      const borrow = low < leastLow >>> 0 ? 1 : 0
      lows[index] = low - (leastLow >>> 0)
      highs[index] = ((highs[index] as number) - leastHigh - borrow) | 0
      usedLow |= lows[index] as number
      usedHigh |= highs[index] as number
    }
    const width = usedHigh === 0 ? 32 - Math.clz32(usedLow) : 64 - Math.clz32(usedHigh)
    sink.bytes[widthsAt + start / miniblockLength] = width
    if (width <= 32) packLows(sink, start, end, width)
    else packWords(sink, start, end, width)
  }
}

/** Place of the widths of a block; miniblocks without values have width 0 and no bytes. */
function reserveWidths(sink: ByteSink): number {
  const at = sink.length
  sink.bytes.fill(0, at, at + miniblocks)
  sink.length += miniblocks
  return at
}

/** Appends one miniblock of up to 32 bits a step, padded with zeros. 32 values of `width` bits are `width` words. */
function packLows(sink: ByteSink, start: number, end: number, width: number): void {
  if (width === 0) return
  const { view } = sink
  let at = sink.length
  const next = at + 4 * width
  let word = 0
  let bits = 0
  for (let index = start; index < end; index++) {
    const value = lows[index] as number
    word |= value << bits
    bits += width
    if (bits < 32) continue
    bits -= 32
    view.setInt32(at, word, true)
    at += 4
    word = bits === 0 ? 0 : value >>> (width - bits)
  }
  for (; at < next; at += 4, word = 0) view.setInt32(at, word, true)
  sink.length = next
}

/** As {@link packLows}, for 33 to 64 bits a step: all of the low word, then the rest of the high one. */
function packWords(sink: ByteSink, start: number, end: number, width: number): void {
  const { view } = sink
  const widthAbove = width - 32
  let at = sink.length
  const next = at + 4 * width
  let word = 0
  let bits = 0
  for (let index = start; index < end; index++) {
    const low = lows[index] as number
    view.setInt32(at, word | (low << bits), true)
    at += 4
    word = bits === 0 ? 0 : low >>> (32 - bits)
    const high = highs[index] as number
    word |= high << bits
    bits += widthAbove
    if (bits < 32) continue
    bits -= 32
    view.setInt32(at, word, true)
    at += 4
    word = bits === 0 ? 0 : high >>> (widthAbove - bits)
  }
  for (; at < next; at += 4, word = 0) view.setInt32(at, word, true)
  sink.length = next
}
