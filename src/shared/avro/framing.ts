// Confluent wire format: magic byte 0, then the schema id as four bytes, big-endian, then the Avro datum.
// (Confluent docs, "Wire format".) Pure, any thread; the reader is called per record and allocates nothing.

/** Bytes in front of the Avro datum. */
export const frameBytes = 5

/**
 * Schema id of the value in bytes[start, end), unsigned; -1 where the value is not framed (too short, or another magic
 * byte). The datum begins at `start + frameBytes`.
 */
export function readSchemaId(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < frameBytes || bytes[start] !== 0) return -1
  const high = byteAt(bytes, start + 1) * 0x1000000
  return high + ((byteAt(bytes, start + 2) << 16) | (byteAt(bytes, start + 3) << 8) | byteAt(bytes, start + 4))
}

/** Writes the frame at `at`, which must leave {@link frameBytes} of room; returns the position of the datum. */
export function writeFrame(bytes: Uint8Array, at: number, schemaId: number): number {
  bytes[at] = 0
  bytes[at + 1] = schemaId >>> 24
  bytes[at + 2] = schemaId >>> 16
  bytes[at + 3] = schemaId >>> 8
  bytes[at + 4] = schemaId
  return at + frameBytes
}

/** The index is inside [start, end) by the caller's length check; the type system cannot see it. */
const byteAt = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0
