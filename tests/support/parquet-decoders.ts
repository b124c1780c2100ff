// Decoders of Parquet encodings, written from Encodings.md value by value with BigInt: slow, and apart from the code under test.

export class BitReader {
  offset = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  byte(): number {
    const byte = this.#bytes[this.offset++]
    if (byte === undefined) throw new Error('read beyond the end')
    return byte
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  zigzag(): bigint {
    const value = this.varint()
    return (value >> 1n) ^ -(value & 1n)
  }

  /** `count` values of `width` bits, least significant first. */
  packed(count: number, width: number): bigint[] {
    let bits = 0n
    const bytes = Math.ceil((count * width) / 8)
    for (let at = 0; at < bytes; at++) bits |= BigInt(this.byte()) << BigInt(8 * at)
    return Array.from({ length: count }, (_, at) => BigInt.asUintN(width, bits >> BigInt(at * width)))
  }

  slice(length: number): Uint8Array {
    this.offset += length
    if (this.offset > this.#bytes.length) throw new Error('read beyond the end')
    return this.#bytes.slice(this.offset - length, this.offset)
  }
}

/** "Run Length Encoding / Bit-Packing Hybrid". */
export function decodeHybrid(reader: BitReader, count: number, width: number): number[] {
  const values: number[] = []
  while (values.length < count) {
    const header = Number(reader.varint())
    if (header % 2 === 1) values.push(...reader.packed((header >> 1) * 8, width).map(Number))
    else {
      let value = 0n
      for (let at = 0; at < Math.ceil(width / 8); at++) value |= BigInt(reader.byte()) << BigInt(8 * at)
      for (let at = 0; at < header / 2; at++) values.push(Number(value))
    }
  }
  return values.slice(0, count)
}

/** "Delta Encoding" of numbers of so many bits. */
export function decodeDelta(reader: BitReader, bits: 32 | 64): bigint[] {
  const [blockLength, miniblocks, count] = [Number(reader.varint()), Number(reader.varint()), Number(reader.varint())]
  let value = reader.zigzag()
  const values = count === 0 ? [] : [value]
  while (values.length < count) {
    const least = reader.zigzag()
    const widths = Array.from({ length: miniblocks }, () => reader.byte())
    for (const width of widths) {
      if (values.length >= count) break
      for (const rest of reader.packed(blockLength / miniblocks, width)) {
        if (values.length >= count) break
        value = BigInt.asIntN(bits, value + least + rest)
        values.push(value)
      }
    }
  }
  return values
}

/** "Delta-length byte array". */
export function decodeDeltaLength(reader: BitReader): Uint8Array[] {
  return decodeDelta(reader, 32).map((length) => reader.slice(Number(length)))
}

/** "Delta Strings". */
export function decodeDeltaBytes(reader: BitReader): Uint8Array[] {
  const prefixes = decodeDelta(reader, 32)
  let before = new Uint8Array(0)
  return decodeDeltaLength(reader).map((rest, index) => {
    before = Uint8Array.from([...before.subarray(0, Number(prefixes[index])), ...rest])
    return before
  })
}
