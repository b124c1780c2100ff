// Working memory that is kept from one column chunk to the next: fresh megabytes for every column cost more in page faults than the
// work on them. One thread. Invariant: what `take` gave is valid until the next `take` of the same scratch, and holds garbage.

/** Values kept at most while fewer are asked for; a larger array is used once and forgotten. */
const valuesKept = 1 << 22

export class Int32Scratch {
  #values = new Int32Array(0)

  /** At least `length` values. */
  take(length: number): Int32Array {
    if (length <= this.#values.length) return this.#values
    const values = new Int32Array(Math.ceil(length * 1.25) + 16)
    if (values.length <= valuesKept) this.#values = values
    return values
  }
}

export class ByteScratch {
  #bytes = new Uint8Array(0)

  /** At least `length` bytes, from the start of their buffer. */
  take(length: number): Uint8Array {
    if (length <= this.#bytes.length) return this.#bytes
    const bytes = new Uint8Array((Math.ceil(length * 1.25) + 64) & ~7)
    if (bytes.length <= 4 * valuesKept) this.#bytes = bytes
    return bytes
  }
}
