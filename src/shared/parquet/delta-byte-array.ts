// DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY (Encodings.md, "Delta-length byte array", "Delta Strings"): lengths as packed deltas,
// then the bytes in one piece; front coding stores of each value what differs from the one before. Encode worker, hot.
// Invariant: the first value of a page has no prefix, so that every page can be read by itself.
import type { ByteSink } from './byte-sink.ts'
import { writeDeltaInt32 } from './delta-binary-packed.ts'
import { Int32Scratch } from './scratch.ts'

const prefixes = new Int32Scratch()
const lengths = new Int32Scratch()
/** Below, copying byte by byte is faster than making a view of the part. */
const copyNativelyFrom = 48

/** Appends values [from, to); value i is bytes[offsets[i], offsets[i + 1]). */
export function writeDeltaLength(
  sink: ByteSink,
  bytes: Uint8Array,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const of = lengths.take(to - from)
  for (let index = from; index < to; index++)
    of[index - from] = (offsets[index + 1] as number) - (offsets[index] as number)
  writeDeltaInt32(sink, of, 0, to - from)
  sink.append(bytes.subarray(offsets[from], offsets[to]))
}

/** As {@link writeDeltaLength}, with front coding. */
export function writeDeltaBytes(
  sink: ByteSink,
  bytes: Uint8Array,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const count = to - from
  const shared = prefixes.take(count)
  const rest = lengths.take(count)
  let before = 0
  let lengthBefore = 0
  let total = 0
  for (let index = 0; index < count; index++) {
    const start = offsets[from + index] as number
    const length = (offsets[from + index + 1] as number) - start
    const shorter = length < lengthBefore ? length : lengthBefore
    let common = 0
    while (common < shorter && bytes[start + common] === bytes[before + common]) common++
    shared[index] = common
    rest[index] = length - common
    total += length - common
    before = start
    lengthBefore = length
  }
  writeDeltaInt32(sink, shared, 0, count)
  writeDeltaInt32(sink, rest, 0, count)
  sink.reserve(total)
  const out = sink.bytes
  let at = sink.length
  for (let index = 0; index < count; index++) {
    const end = offsets[from + index + 1] as number
    const start = end - (rest[index] as number)
    if (end - start < copyNativelyFrom) for (let byte = start; byte < end; byte++) out[at++] = bytes[byte] as number
    else {
      out.set(bytes.subarray(start, end), at)
      at += end - start
    }
  }
  sink.length = at
}
