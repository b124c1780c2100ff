// Iceberg single-value serialization of lower and upper bounds (spec, Appendix D) and their truncation to 16 characters or bytes
// (metrics mode `truncate(16)`, the default of Iceberg). Pure, any thread. Invariant: lower ≤ every value ≤ upper in Iceberg's
// order; where no short upper bound exists there is none. Every result is memory of its own.

/** Bounds of one leaf; no upper one where every short text or binary would be below the value. */
export interface LeafBounds {
  readonly lower: Uint8Array
  readonly upper: Uint8Array | null
}

/** Length of a truncated bound: code points of a string, bytes of a binary. */
export const boundLengthMax = 16

/** A byte order mark is a character like any other: without it a bound would lie elsewhere. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** int and date: 4 bytes, little-endian. */
export function int32Bound(value: number): Uint8Array {
  const bound = new Uint8Array(4)
  new DataView(bound.buffer).setInt32(0, value, true)
  return bound
}

/** long, time and timestamps: 8 bytes, little-endian. */
export function int64Bound(low: number, high: number): Uint8Array {
  const bound = new Uint8Array(8)
  const view = new DataView(bound.buffer)
  view.setInt32(0, low, true)
  view.setInt32(4, high, true)
  return bound
}

export function float32Bound(value: number): Uint8Array {
  const bound = new Uint8Array(4)
  new DataView(bound.buffer).setFloat32(0, value, true)
  return bound
}

export function float64Bound(value: number): Uint8Array {
  const bound = new Uint8Array(8)
  new DataView(bound.buffer).setFloat64(0, value, true)
  return bound
}

export const booleanBound = (value: boolean): Uint8Array => Uint8Array.of(value ? 1 : 0)

/** decimal: unscaled value, two's complement, big-endian, in the fewest bytes. `words`: four, lowest first. */
export function decimalBound(words: readonly [number, number, number, number]): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  words.forEach((word, index) => {
    view.setInt32(4 * (3 - index), word)
  })
  // A leading byte that only repeats the sign of the next one carries nothing.
  let first = 0
  const filler = words[3] < 0 ? 0xff : 0
  while (first < 15 && bytes[first] === filler && (((bytes[first + 1] ?? 0) ^ filler) & 0x80) === 0) first++
  return bytes.slice(first)
}

/** binary, lower: its first 16 bytes. */
export const binaryLowerBound = (value: Uint8Array): Uint8Array => value.slice(0, boundLengthMax)

/** binary, upper: the value, or the smallest 16-byte prefix above it; null where all 16 bytes are 0xff. */
export function binaryUpperBound(value: Uint8Array): Uint8Array | null {
  if (value.length <= boundLengthMax) return value.slice()
  for (let last = boundLengthMax - 1; last >= 0; last--) {
    const byte = value[last] ?? 0
    if (byte === 0xff) continue
    const bound = value.slice(0, last + 1)
    bound[last] = byte + 1
    return bound
  }
  return null
}

/** string (UTF-8), lower: its first 16 code points. */
export const stringLowerBound = (value: Uint8Array): Uint8Array => value.slice(0, prefixLength(value))

/**
 * string (UTF-8), upper: the value, or its first 16 code points with the last one that can be raised raised by one and the rest cut
 * off; null where all 16 are U+10FFFF. The order of UTF-8 bytes is that of code points.
 */
export function stringUpperBound(value: Uint8Array): Uint8Array | null {
  const length = prefixLength(value)
  if (length === value.length) return value.slice()
  const points = Array.from(decoder.decode(value.subarray(0, length)), (char) => char.codePointAt(0) ?? 0)
  for (let last = points.length - 1; last >= 0; last--) {
    const next = nextCodePoint(points[last] ?? 0)
    if (next !== null) return new TextEncoder().encode(String.fromCodePoint(...points.slice(0, last), next)).slice()
  }
  return null
}

/** The next Unicode scalar value: surrogates (U+D800 to U+DFFF) have no UTF-8 form. */
function nextCodePoint(point: number): number | null {
  if (point >= 0x10ffff) return null
  return point === 0xd7ff ? 0xe000 : point + 1
}

/** Bytes of the first 16 code points of UTF-8 text. */
function prefixLength(value: Uint8Array): number {
  let points = 0
  for (let index = 0; index < value.length; index++) {
    const continues = ((value[index] ?? 0) & 0xc0) === 0x80
    if (!continues && ++points > boundLengthMax) return index
  }
  return value.length
}
