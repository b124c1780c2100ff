// Entropy tables of Zstandard (RFC 8878, section 4): FSE and Huffman, read from untrusted bytes. Pure; encode workers on a Node
// without zstd. Invariant: a table that is returned is complete, so that decoding with it always moves on within its bounds.

/** Anything the format forbids; the caller gives it its place. */
export class ZstdFault extends Error {}

/** Entry of a state: symbol, bits to read, base of the next state. */
export interface FseTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
  readonly bases: Uint16Array
}

/** Entry per `maxBits` next bits. */
export interface HuffmanTable {
  readonly maxBits: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
}

export interface Parsed<T> {
  readonly table: T
  /** Byte after the table's description. */
  readonly end: number
}

const HUFFMAN_BITS_MAX = 11
const WEIGHTS_LOG_MAX = 6

/** `n` (at most 25) bits from bit `at` on, low bit first, of bytes that go on 4 beyond what is asked for; below bit 0 are zeros. */
export function bitsAt(bytes: Uint8Array, first: number, at: number, n: number): number {
  if (at < 0) return n + at <= 0 ? 0 : bitsAt(bytes, first, 0, n + at) << -at
  const i = first + (at >> 3)
  const word =
    (bytes[i] as number) |
    ((bytes[i + 1] as number) << 8) |
    ((bytes[i + 2] as number) << 16) |
    ((bytes[i + 3] as number) << 24)
  return (word >>> (at & 7)) & ((1 << n) - 1)
}

/** Bits of a stream that is read from its end: the highest set bit of its last byte marks where it ends. */
export function streamBits(bytes: Uint8Array, first: number, next: number): number {
  const last = next > first ? (bytes[next - 1] as number) : 0
  if (last === 0) throw new ZstdFault('bit stream without an end mark')
  return (next - first - 1) * 8 + (31 - Math.clz32(last))
}

/** Section 4.1.1. The description is read forwards, its probabilities in a varying number of bits. */
export function readFseTable(
  bytes: Uint8Array,
  first: number,
  next: number,
  logMax: number,
  symbolMax: number,
): Parsed<FseTable> {
  const bitCount = (next - first) * 8
  let at = 0
  const read = (n: number): number => {
    at += n
    if (at > bitCount) throw new ZstdFault('table goes on beyond its block')
    return bitsAt(bytes, first, at - n, n)
  }
  const log = 5 + read(4)
  if (log > logMax) throw new ZstdFault('table too large')
  const counts: number[] = []
  let left = 1 << log
  while (left > 0) {
    if (counts.length > symbolMax) throw new ZstdFault('too many symbols')
    const n = 32 - Math.clz32(left + 1)
    const lowMask = (1 << (n - 1)) - 1
    const threshold = (1 << n) - 1 - (left + 1)
    // One bit less where the value shows that it is a small one; the last bit of the description need not be there.
    let value = bitsAt(bytes, first, at, n)
    if ((value & lowMask) < threshold) {
      value &= lowMask
      read(n - 1)
    } else {
      if (value > lowMask) value -= threshold
      read(n)
    }
    const count = value - 1
    left -= Math.abs(count)
    counts.push(count)
    if (count !== 0) continue
    let repeat = 3
    while (repeat === 3) {
      repeat = read(2)
      for (let i = 0; i < repeat; i++) counts.push(0)
      if (counts.length > symbolMax + 1) throw new ZstdFault('too many symbols')
    }
  }
  if (left !== 0 || counts.length > symbolMax + 1) throw new ZstdFault('probabilities do not add up')
  return { table: buildFseTable(counts, log), end: first + ((at + 7) >> 3) }
}

/** Spreads symbols over the states. A count of -1 is a probability below one state's share: one state, at the end. */
export function buildFseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log
  const symbols = new Uint8Array(size)
  const bits = new Uint8Array(size)
  const bases = new Uint16Array(size)
  const nexts = new Uint16Array(counts.length)
  let high = size
  counts.forEach((count, symbol) => {
    nexts[symbol] = Math.abs(count)
    if (count === -1) symbols[--high] = symbol
  })
  const step = (size >> 1) + (size >> 3) + 3
  let position = 0
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i++) {
      symbols[position] = symbol
      do position = (position + step) & (size - 1)
      while (position >= high)
    }
  })
  if (position !== 0) throw new ZstdFault('probabilities do not add up')
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] as number
    const next = nexts[symbol] as number
    nexts[symbol] = next + 1
    const n = log - (31 - Math.clz32(next))
    bits[state] = n
    bases[state] = (next << n) - size
  }
  return { log, symbols, bits, bases }
}

/** A table of one symbol that takes no bits. */
export const rleTable = (symbol: number): FseTable => ({
  log: 0,
  symbols: Uint8Array.of(symbol),
  bits: new Uint8Array(1),
  bases: new Uint16Array(1),
})

/** Section 4.2.1: weights, as nibbles or FSE-compressed; the last one follows from the others. */
export function readHuffmanTable(bytes: Uint8Array, first: number, next: number): Parsed<HuffmanTable> {
  if (first >= next) throw new ZstdFault('no Huffman table')
  const head = bytes[first] as number
  const end = first + 1 + (head < 128 ? head : (head - 126) >> 1)
  if (end > next) throw new ZstdFault('Huffman table goes on beyond its block')
  const weights: number[] = []
  if (head < 128) {
    readWeights(bytes, first + 1, end, weights)
  } else {
    for (let i = 0; i < head - 127; i++) {
      const pair = bytes[first + 1 + (i >> 1)] as number
      weights.push(i % 2 === 0 ? pair >> 4 : pair & 15)
    }
  }
  return { table: buildHuffmanTable(weights), end }
}

/** Two states take turns; the stream is over when one of them would read beyond its start. */
function readWeights(bytes: Uint8Array, first: number, next: number, weights: number[]): void {
  const { table, end } = readFseTable(bytes, first, next, WEIGHTS_LOG_MAX, 255)
  let at = streamBits(bytes, end, next) - 2 * table.log
  if (at < 0) throw new ZstdFault('Huffman weights cut short')
  let one = bitsAt(bytes, end, at + table.log, table.log)
  let other = bitsAt(bytes, end, at, table.log)
  while (weights.length < 255) {
    weights.push(table.symbols[one] as number)
    const n = table.bits[one] as number
    at -= n
    if (at < 0) {
      weights.push(table.symbols[other] as number)
      return
    }
    const moved = (table.bases[one] as number) + bitsAt(bytes, end, at, n)
    one = other
    other = moved
  }
  // A table of one certain symbol takes no bits and would never end.
  throw new ZstdFault('too many Huffman weights')
}

function buildHuffmanTable(weights: number[]): HuffmanTable {
  let sum = 0
  for (const weight of weights) {
    if (weight > HUFFMAN_BITS_MAX) throw new ZstdFault('Huffman weight too large')
    sum += weight === 0 ? 0 : 1 << (weight - 1)
  }
  const maxBits = 32 - Math.clz32(sum)
  const left = (1 << maxBits) - sum
  if (sum === 0 || maxBits > HUFFMAN_BITS_MAX || (left & (left - 1)) !== 0 || weights.length > 255) {
    throw new ZstdFault('Huffman weights do not add up')
  }
  weights.push(32 - Math.clz32(left))
  const size = 1 << maxBits
  const table: HuffmanTable = { maxBits, symbols: new Uint8Array(size), bits: new Uint8Array(size) }
  let at = 0
  // Codes are given out by rising weight, symbols of one weight in their order.
  for (let weight = 1; weight <= maxBits; weight++) {
    const span = 1 << (weight - 1)
    weights.forEach((own, symbol) => {
      if (own !== weight) return
      table.symbols.fill(symbol, at, at + span)
      table.bits.fill(maxBits + 1 - weight, at, at + span)
      at += span
    })
  }
  return table
}

/** Section 3.1.1.3.2.1.1, tables of code → extra bits and base value. */
export const literalBits = Uint8Array.of(
  ...Array<number>(16).fill(0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
)
export const matchBits = Uint8Array.of(
  ...Array<number>(32).fill(0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
)
export const literalBases = basesOf(literalBits, 0)
export const matchBases = basesOf(matchBits, 3)

function basesOf(bits: Uint8Array, start: number): Int32Array {
  let base = start
  return Int32Array.from(bits, (n) => {
    base += 1 << n
    return base - (1 << n)
  })
}

/** Section 3.1.1.3.2.2: default distributions. */
export const literalDefault = buildFseTable(
  [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
  6,
)
export const matchDefault = buildFseTable(
  [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
  ],
  6,
)
export const offsetDefault = buildFseTable(
  [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
  5,
)
