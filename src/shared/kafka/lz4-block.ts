// One block of LZ4 (lz4_Block_format.md) from one view into another. Pure; encode workers, hot: four bytes a step, no allocation.
// Invariant: the value depends on nothing outside [start, end) of the source or below `historyFrom` of the target, and nothing is
// written at or beyond `limit` + slackBytes; what a copy leaves behind its end is garbage that the next one writes over.
//   token (4 bits literals · 4 bits match - 4; 15: more bytes follow, up to the first below 255) · literals ·
//   offset u16le · match; the last sequence has literals only

/** Room that the target needs behind `limit`: copies go on to a whole step. */
export const slackBytes = 32

/** Longer copies are left to the engine. */
const copyNativelyFrom = 96

/** Answers the position after the last byte written; below 0 where the bytes are no block that fits. */
export function decodeLz4Block(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  first: number,
  limit: number,
  historyFrom: number,
): number {
  let at = start
  let to = first
  // A literal run that ends here or before may be copied in whole steps without leaving the source.
  const stepsUntil = source.byteLength - slackBytes
  while (at < end) {
    const token = source.getUint8(at)
    at += 1
    let size = token >>> 4
    if (size === 15) {
      let more = 255
      while (more === 255 && at < end) {
        more = source.getUint8(at)
        at += 1
        size += more
      }
    }
    if (size > end - at || size > limit - to) return -1
    if (size <= 16 && at <= stepsUntil) copyShort(source, at, target, to, size)
    else copyLong(source, at, target, to, size)
    at += size
    to += size
    if (at === end) return to
    if (end - at < 2) return -1
    const from = to - source.getUint16(at, true)
    at += 2
    size = (token & 15) + 4
    if (size === 19) {
      let more = 255
      while (more === 255 && at < end) {
        more = source.getUint8(at)
        at += 1
        size += more
      }
    }
    if (from < historyFrom || from >= to || size > limit - to) return -1
    copyMatch(target, from, to, size)
    to += size
  }
  return -1
}

/** At most sixteen bytes, in whole steps of four. */
function copyShort(source: DataView, at: number, target: DataView, to: number, size: number): void {
  target.setInt32(to, source.getInt32(at, true), true)
  if (size <= 4) return
  target.setInt32(to + 4, source.getInt32(at + 4, true), true)
  if (size <= 8) return
  target.setInt32(to + 8, source.getInt32(at + 8, true), true)
  target.setInt32(to + 12, source.getInt32(at + 12, true), true)
}

function copyLong(source: DataView, at: number, target: DataView, to: number, size: number): void {
  if (size >= copyNativelyFrom) {
    bytesOf(target).set(new Uint8Array(source.buffer, source.byteOffset + at, size), to)
    return
  }
  let done = 0
  for (const words = size & ~3; done < words; done += 4) {
    target.setInt32(to + done, source.getInt32(at + done, true), true)
  }
  for (; done < size; done += 1) target.setUint8(to + done, source.getUint8(at + done))
}

/** A match may reach into what it writes itself: then it repeats. Nearer than a step, byte by byte. */
function copyMatch(target: DataView, from: number, to: number, size: number): void {
  const distance = to - from
  if (distance < 4) {
    for (let done = 0; done < size; done += 1) target.setUint8(to + done, target.getUint8(from + done))
    return
  }
  if (size >= copyNativelyFrom && distance >= size) {
    bytesOf(target).copyWithin(to, from, from + size)
    return
  }
  for (let done = 0; done < size; done += 8) {
    target.setInt32(to + done, target.getInt32(from + done, true), true)
    target.setInt32(to + done + 4, target.getInt32(from + done + 4, true), true)
  }
}

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
