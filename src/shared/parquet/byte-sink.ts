// Bytes that grow at their end: page bodies, headers and the file itself while it is written. One thread; reused from page to page.
// Invariant: [0, length) is written, the rest of the memory is spare; whoever writes has reserved the room before.

const bytesAtFirst = 1 << 12
/** Memory above this is given back once less than a quarter of it is used. */
const bytesKept = 1 << 24

export class ByteSink {
  bytes = new Uint8Array(bytesAtFirst)
  view = new DataView(this.bytes.buffer)
  length = 0

  /** Room for `more` bytes behind `length`; replaces `bytes` and `view` where it must. */
  reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(needed, Math.ceil(this.bytes.length * 1.5)))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
    this.view = new DataView(larger.buffer)
  }

  reset(): void {
    if (this.bytes.length > bytesKept && this.length < this.bytes.length / 4) {
      this.bytes = new Uint8Array(bytesAtFirst)
      this.view = new DataView(this.bytes.buffer)
    }
    this.length = 0
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** Little-endian. */
  int32(value: number): void {
    this.reserve(4)
    this.view.setInt32(this.length, value, true)
    this.length += 4
  }

  /** Unsigned LEB128 of a whole number from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest > 0x7fffffff) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.length++] = rest
  }

  /** Zigzag LEB128 of a 64-bit number in two words. */
  zigzag64(low: number, high: number): void {
    this.reserve(10)
    const sign = high >> 31
    let restLow = (low << 1) ^ sign
    let restHigh = ((high << 1) | (low >>> 31)) ^ sign
    while (restHigh !== 0 || restLow >>> 0 > 0x7f) {
      this.bytes[this.length++] = (restLow & 0x7f) | 0x80
      restLow = (restLow >>> 7) | (restHigh << 25)
      restHigh >>>= 7
    }
    this.bytes[this.length++] = restLow
  }

  /** What is written, in memory of its own. */
  copy(): Uint8Array {
    return this.bytes.slice(0, this.length)
  }

  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}
