// Small damage to bytes: what fuzzing does to valid inputs. Pure; the same random numbers do the same.
import type { Random } from '../simulation/random.ts'

/** Bytes that sit on the edge of a varint, a length, a sign or a count. */
const EDGES = [0, 1, 2, 3, 63, 64, 126, 127, 128, 129, 253, 254, 255]
const BYTES_MAX = 64 * 1024

/** `seed` with a few mutations; `others` lend pieces. */
export function mutated(seed: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = Uint8Array.from(seed)
  for (let count = 1 + random.int(4); count > 0; count--) bytes = mutatedOnce(bytes, others, random)
  return bytes.subarray(0, BYTES_MAX)
}

function mutatedOnce(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes)
  if (copy.length === 0) return Uint8Array.of(random.pick(EDGES))
  const at = random.int(copy.length)
  const size = Math.min(copy.length - at, 1 + random.int(16))
  switch (random.int(8)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << random.int(8))
      return copy
    case 1:
      copy[at] = random.pick(EDGES)
      return copy
    case 2:
      return Uint8Array.from(copy.filter((_, index) => index < at || index >= at + size))
    case 3:
      return joined(copy.subarray(0, at + size), copy.subarray(at))
    case 4:
      return copy.slice(0, at)
    case 5: {
      const other = random.pick(others)
      const from = random.int(Math.max(1, other.length))
      return joined(copy.subarray(0, at), other.subarray(from, from + 1 + random.int(64)), copy.subarray(at))
    }
    case 6:
      // A varint of up to ten bytes, or longer than one may be.
      return joined(
        copy.subarray(0, at),
        new Uint8Array(1 + random.int(11)).fill(255),
        Uint8Array.of(random.pick(EDGES)),
        copy.subarray(at),
      )
    default:
      copy.fill(random.pick(EDGES), at, at + size)
      return copy
  }
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
