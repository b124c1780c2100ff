// Validity bitmaps (Arrow: bit i of byte i >> 3, least significant first; 1 = present). Pure, any thread, no allocation but
// where a new bitmap is the result. Invariant: bits at and beyond the length are never read as values.

/** Set bits per byte value, for counting. */
const bitCounts = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++
  return count
})

/** Is value `index` present? */
export const isPresent = (validity: Uint8Array, index: number): boolean =>
  (((validity[index >> 3] ?? 0) >> (index & 7)) & 1) === 1

/** How many of the first `length` values are absent. */
export function countAbsent(validity: Uint8Array, length: number): number {
  const whole = length >> 3
  let present = 0
  for (let index = 0; index < whole; index++) present += bitCounts[validity[index] ?? 0] ?? 0
  const rest = length & 7
  if (rest !== 0) present += bitCounts[(validity[whole] ?? 0) & ((1 << rest) - 1)] ?? 0
  return length - present
}

/** Present in both, over the first `length` values; null means all present. Shares memory with its input where it can. */
export function bothPresent(left: Uint8Array | null, right: Uint8Array | null, length: number): Uint8Array | null {
  if (left === null) return right
  if (right === null) return left
  const both = new Uint8Array((length + 7) >> 3)
  for (let index = 0; index < both.length; index++) both[index] = (left[index] ?? 0) & (right[index] ?? 0)
  return both
}
