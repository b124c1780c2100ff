// Thrift's compact protocol, as much as Parquet's headers and footer need (thrift-compact-protocol.md; parquet.thrift names the
// fields). Pure, any thread. Invariant: fields of a struct are written in ascending order of their ids.
import type { ByteSink } from './byte-sink.ts'

/** Element types of lists. */
export const thriftType = { bool: 1, int32: 5, int64: 6, binary: 8, struct: 12 } as const
const [boolTrue, boolFalse, byteType, int16Type, int32Type, int64Type, binaryType, listType, structType] = [
  1, 2, 3, 4, 5, 6, 8, 9, 12,
]
/** Where field ids lie farther apart, or lists are longer, the long form is used. */
const shortMax = 15

export class ThriftWriter {
  readonly #sink: ByteSink
  #field = 0
  readonly #outer: number[] = []

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  bool(field: number, value: boolean): void {
    this.#header(field, value ? boolTrue : boolFalse)
  }

  byte(field: number, value: number): void {
    this.#header(field, byteType)
    this.#sink.byte(value)
  }

  int16(field: number, value: number): void {
    this.#header(field, int16Type)
    this.#zigzag(value)
  }

  int32(field: number, value: number): void {
    this.#header(field, int32Type)
    this.#zigzag(value)
  }

  /** Whole numbers up to 2^52. */
  int64(field: number, value: number): void {
    this.#header(field, int64Type)
    this.#zigzag(value)
  }

  binary(field: number, value: Uint8Array): void {
    this.#header(field, binaryType)
    this.binaryElement(value)
  }

  text(field: number, value: string): void {
    this.binary(field, encoder.encode(value))
  }

  /** A list whose elements follow, by the `…Element` calls or as structs. */
  list(field: number, type: number, count: number): void {
    this.#header(field, listType)
    if (count < shortMax) this.#sink.byte((count << 4) | type)
    else {
      this.#sink.byte(0xf0 | type)
      this.#sink.varint(count)
    }
  }

  boolElement(value: boolean): void {
    this.#sink.byte(value ? boolTrue : boolFalse)
  }

  intElement(value: number): void {
    this.#zigzag(value)
  }

  binaryElement(value: Uint8Array): void {
    this.#sink.varint(value.length)
    this.#sink.append(value)
  }

  textElement(value: string): void {
    this.binaryElement(encoder.encode(value))
  }

  /** Begins a struct that is a field. */
  struct(field: number): void {
    this.#header(field, structType)
    this.begin()
  }

  /** An empty struct: how a union names a member without content. */
  emptyStruct(field: number): void {
    this.struct(field)
    this.end()
  }

  /** Begins a struct that is an element of a list, or the message itself. */
  begin(): void {
    this.#outer.push(this.#field)
    this.#field = 0
  }

  end(): void {
    this.#sink.byte(0)
    this.#field = this.#outer.pop() ?? 0
  }

  #header(field: number, type: number): void {
    const step = field - this.#field
    if (step > 0 && step <= shortMax) this.#sink.byte((step << 4) | type)
    else {
      this.#sink.byte(type)
      this.#zigzag(field)
    }
    this.#field = field
  }

  #zigzag(value: number): void {
    this.#sink.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }
}

const encoder = new TextEncoder()
