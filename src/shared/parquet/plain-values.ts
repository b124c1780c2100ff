// PLAIN (Encodings.md, "Plain"): little-endian numbers, booleans as bits, byte arrays behind their length. Encode worker, hot.
// Invariant: numbers lie in memory as they lie in the file, so they are copied as bytes; the platforms of Node are little-endian.
import type { BooleanColumn, BytesColumn } from '../columns/column-batch.ts'
import type { ByteSink } from './byte-sink.ts'
import type { OrderedColumn } from './value-range.ts'

/** Below, copying byte by byte is faster than making a view of the part. */
const copyNativelyFrom = 48

/** Appends values [from, to). */
export function writePlain(sink: ByteSink, column: OrderedColumn, from: number, to: number): void {
  switch (column.kind) {
    case 'boolean':
      writeBits(sink, column, from, to)
      return
    case 'int32':
    case 'float32':
    case 'float64':
      sink.append(bytesOf(column.values.subarray(from, to)))
      return
    case 'int64':
      sink.append(bytesOf(column.words.subarray(2 * from, 2 * to)))
      return
    case 'fixed':
      sink.append(column.bytes.subarray(column.size * from, column.size * to))
      return
    case 'bytes':
      writeByteArrays(sink, column, from, to)
      return
  }
}

const bytesOf = (values: Int32Array | Float32Array | Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

function writeBits(sink: ByteSink, { values }: BooleanColumn, from: number, to: number): void {
  const length = (to - from + 7) >> 3
  sink.reserve(length)
  const out = sink.bytes
  out.fill(0, sink.length, sink.length + length)
  for (let index = from; index < to; index++) {
    if (values[index] === 0) continue
    const at = sink.length + ((index - from) >> 3)
    out[at] = (out[at] as number) | (1 << ((index - from) & 7))
  }
  sink.length += length
}

function writeByteArrays(sink: ByteSink, { bytes, offsets }: BytesColumn, from: number, to: number): void {
  sink.reserve(4 * (to - from) + (offsets[to] as number) - (offsets[from] as number))
  const { bytes: out, view } = sink
  let at = sink.length
  for (let index = from; index < to; index++) {
    const start = offsets[index] as number
    const end = offsets[index + 1] as number
    view.setInt32(at, end - start, true)
    at += 4
    if (end - start < copyNativelyFrom) for (let byte = start; byte < end; byte++) out[at++] = bytes[byte] as number
    else {
      out.set(bytes.subarray(start, end), at)
      at += end - start
    }
  }
  sink.length = at
}
