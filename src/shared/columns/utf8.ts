// Whether bytes are UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). Pure, allocates nothing for
// short text. Called only for text that is not plain ASCII.
import { isUtf8 as isUtf8Natively } from 'node:buffer'

/** From here on the native check is faster, the view that it needs included. */
const nativeFrom = 256

/** Whether bytes [start, end) are UTF-8. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start >= nativeFrom) return isUtf8Natively(bytes.subarray(start, end))
  let at = start
  while (at < end) {
    const first = bytes[at] ?? 0
    at += 1
    if (first < 0x80) continue
    const more = first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1
    if (more < 0 || at + more > end) return false
    const second = bytes[at] ?? 0
    if (!isSecond(first, second)) return false
    for (let index = 1; index < more; index += 1) {
      if (((bytes[at + index] ?? 0) & 0xc0) !== 0x80) return false
    }
    at += more
  }
  return true
}

/** The second byte carries what rules out overlong forms, surrogates and code points beyond the last. */
function isSecond(first: number, second: number): boolean {
  switch (first) {
    case 0xe0:
      return second >= 0xa0 && second < 0xc0
    case 0xed:
      return second >= 0x80 && second < 0xa0
    case 0xf0:
      return second >= 0x90 && second < 0xc0
    case 0xf4:
      return second >= 0x80 && second < 0x90
    default:
      return (second & 0xc0) === 0x80
  }
}
