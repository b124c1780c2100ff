// Murmur3, x86, 32 bits, seed 0: the hash of the bucket transform (Iceberg spec, "Appendix B: 32-bit Hash Requirements"). Pure, hot:
// no BigInt, no objects. Invariant: the same bytes hash alike here and in every engine, or their rows lie in different buckets.

/** Hash of bytes [start, end), as a signed 32-bit number. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    hash = mixBody(hash, word)
  }
  let rest = 0
  for (let shift = 0; at < end; at++, shift += 8) rest |= (bytes[at] as number) << shift
  return finish(hash ^ scrambled(rest), end - start)
}

/** Hash of a 64-bit number as its eight bytes, little-endian: int, long, date, time and timestamps. */
export const hashLong = (low: number, high: number): number => finish(mixBody(mixBody(0, low), high), 8)

const scrambled = (word: number): number => {
  const mixed = Math.imul(word, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

const mixBody = (hash: number, word: number): number => {
  const mixed = hash ^ scrambled(word)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number, length: number): number {
  let mixed = hash ^ length
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
