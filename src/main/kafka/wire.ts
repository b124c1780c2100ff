// The few types of Kafka's wire format that our own requests need: a reader, and writers that return bytes. Pure; main thread.
// Big-endian; "compact" is the flexible encoding of KIP-482 (unsigned varint of length + 1, tag buffers).

/** Reads a response body from its start on. Reading beyond the end throws a RangeError: the answer was not what was asked for. */
export class WireReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get at(): number {
    return this.#at
  }

  int8(): number {
    return this.#bytes.readInt8(this.#advance(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4))
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8))
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#advance(1))
      value |= (byte & 127) << shift
      if (byte < 128) return value >>> 0
    }
    throw new RangeError('variable-length number too long')
  }

  string(): string {
    return this.#text(this.int16())
  }

  compactString(): string {
    return this.#text(this.varint() - 1)
  }

  /** 16 bytes as Kafka prints topic ids: base64 for URLs, without padding. */
  uuid(): string {
    const at = this.#advance(16)
    return this.#bytes.toString('base64url', at, at + 16)
  }

  /** A view of the answer; null reads as empty. */
  bytes(): Buffer {
    const at = this.#advance(Math.max(0, this.int32()))
    return this.#bytes.subarray(at, this.#at)
  }

  array<T>(read: () => T): T[] {
    return this.#items(this.int32(), read)
  }

  compactArray<T>(read: () => T): T[] {
    return this.#items(this.varint() - 1, read)
  }

  tags(): void {
    for (let count = this.varint(); count > 0; count--) {
      this.varint()
      this.#advance(this.varint())
    }
  }

  #items<T>(count: number, read: () => T): T[] {
    const items: T[] = []
    for (let index = 0; index < count; index++) items.push(read())
    return items
  }

  /** A null string reads as an empty one: none of our fields tells them apart. */
  #text(length: number): string {
    const at = this.#advance(Math.max(0, length))
    return this.#bytes.toString('utf8', at, this.#at)
  }

  #advance(count: number): number {
    const at = this.#at
    if (at + count > this.#bytes.length) throw new RangeError(`answer ends before byte ${at + count}`)
    this.#at += count
    return at
  }
}

export const int8 = (value: number): Buffer => Buffer.from([value & 255])

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value >>> 0
  while (rest > 127) {
    bytes.push((rest & 127) | 128)
    rest >>>= 7
  }
  return Buffer.from([...bytes, rest])
}

export function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(2)
  length.writeInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

export function compactString(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([varint(bytes.length + 1), bytes])
}

export const array = (items: readonly Buffer[]): Buffer => Buffer.concat([int32(items.length), ...items])
/** Null: a null array, which Kafka often reads as "all". */
export const compactArray = (items: readonly Buffer[] | null): Buffer =>
  items === null ? varint(0) : Buffer.concat([varint(items.length + 1), ...items])
