// Builds v2 record batches (layout in record-batch.ts and record-cursor.ts): what feeds and tests write. Pure.
// Invariant: what it returns reads back as given, with the right lengths and CRC-32C.
import { assert } from '../errors.ts'
import { compressBody, type WriterCodec } from './compression.ts'
import { attributeBits, batchCrc, codecId, HEADER_BYTES, LENGTH_PREFIX_BYTES } from './record-batch.ts'

export interface RecordInput {
  /** Against the base offset; by default one more than the record before. */
  readonly offsetDelta?: number
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[]
}

export interface Producer {
  readonly id: bigint
  readonly epoch: number
  readonly baseSequence: number
}

export interface BatchOptions {
  readonly baseOffset: bigint
  readonly codec?: WriterCodec
  readonly leaderEpoch?: number
  readonly timestampType?: 'create' | 'log-append'
  readonly producer?: Producer
  readonly kind?: 'plain' | 'transactional' | 'control'
  /** Beyond the last record's, as compaction leaves it; by default the last record's own. */
  readonly lastOffsetDelta?: number
}

const noProducer: Producer = { id: -1n, epoch: -1, baseSequence: -1 }

/** One batch. Without records it is the empty header that compaction keeps (its offsets by `lastOffsetDelta`). */
export function writeRecordBatch(records: readonly RecordInput[], options: BatchOptions): Uint8Array {
  const codec = records.length === 0 ? 'none' : (options.codec ?? 'none')
  const baseMs = records[0]?.timestampMs ?? -1
  const body = new RecordBytes()
  let lastDelta = -1
  let maxMs = -1
  for (const record of records) {
    const offsetDelta = record.offsetDelta ?? lastDelta + 1
    assert(offsetDelta > lastDelta, 'offsets of a batch rise')
    body.record(record, offsetDelta, record.timestampMs - baseMs)
    lastDelta = offsetDelta
    maxMs = Math.max(maxMs, record.timestampMs)
  }
  const lastOffsetDelta = options.lastOffsetDelta ?? Math.max(0, lastDelta)
  assert(lastOffsetDelta >= lastDelta, 'last offset delta covers every record')

  const compressed = compressBody(codec, body.bytes())
  const batch = new Uint8Array(HEADER_BYTES + compressed.length)
  batch.set(compressed, HEADER_BYTES)
  const view = new DataView(batch.buffer)
  const producer = options.producer ?? noProducer
  view.setBigInt64(0, options.baseOffset)
  view.setInt32(8, batch.length - LENGTH_PREFIX_BYTES)
  view.setInt32(12, options.leaderEpoch ?? 0)
  view.setInt8(16, 2)
  view.setInt16(21, attributes(codec, options))
  view.setInt32(23, lastOffsetDelta)
  view.setBigInt64(27, BigInt(baseMs))
  view.setBigInt64(35, BigInt(maxMs))
  view.setBigInt64(43, producer.id)
  view.setInt16(51, producer.epoch)
  view.setInt32(53, producer.baseSequence)
  view.setInt32(57, records.length)
  view.setUint32(17, batchCrc(batch, 0, batch.length))
  return batch
}

export interface MarkerOptions {
  readonly baseOffset: bigint
  readonly marker: 'commit' | 'abort'
  readonly producer: Producer
  readonly timestampMs: number
  readonly coordinatorEpoch?: number
  readonly leaderEpoch?: number
}

/**
 * The control batch that ends a transaction (KIP-98). Key: version int16 = 0, type int16 (0 abort, 1 commit);
 * value: version int16 = 0, coordinator epoch int32.
 */
export function writeTransactionMarker(options: MarkerOptions): Uint8Array {
  const key = Uint8Array.of(0, 0, 0, options.marker === 'commit' ? 1 : 0)
  const value = new Uint8Array(6)
  new DataView(value.buffer).setInt32(2, options.coordinatorEpoch ?? 0)
  return writeRecordBatch([{ timestampMs: options.timestampMs, key, value }], {
    baseOffset: options.baseOffset,
    leaderEpoch: options.leaderEpoch ?? 0,
    producer: { ...options.producer, baseSequence: -1 },
    kind: 'control',
  })
}

function attributes(codec: WriterCodec, options: BatchOptions): number {
  const kind = options.kind ?? 'plain'
  return (
    codecId(codec === 'snappy-xerial' ? 'snappy' : codec) |
    (options.timestampType === 'log-append' ? attributeBits.logAppendTime : 0) |
    (kind === 'plain' ? 0 : attributeBits.transactional) | // markers carry both bits
    (kind === 'control' ? attributeBits.control : 0)
  )
}

/** Growing bytes of a body. */
class RecordBytes {
  #bytes = new Uint8Array(4096)
  #at = 0

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  record(record: RecordInput, offsetDelta: number, timestampDelta: number): void {
    const headers = (record.headers ?? []).map(({ key, value }) => ({ key: Buffer.from(key), value }))
    let length = 1 + varlongBytes(timestampDelta) + varlongBytes(offsetDelta) + varlongBytes(headers.length)
    length += fieldBytes(record.key) + fieldBytes(record.value)
    for (const { key, value } of headers) length += fieldBytes(key) + fieldBytes(value)
    this.#reserve(length + 5)
    this.#varlong(length)
    this.#bytes[this.#at++] = 0 // attributes
    this.#varlong(timestampDelta)
    this.#varlong(offsetDelta)
    this.#field(record.key)
    this.#field(record.value)
    this.#varlong(headers.length)
    for (const { key, value } of headers) {
      this.#field(key)
      this.#field(value)
    }
  }

  #field(bytes: Uint8Array | null): void {
    this.#varlong(bytes === null ? -1 : bytes.length)
    if (bytes === null) return
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Zigzag, for integers up to 2^52 either way: arithmetic instead of shifts keeps a double exact. */
  #varlong(value: number): void {
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#at++] = rest
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes))
    larger.set(this.bytes())
    this.#bytes = larger
  }
}

const fieldBytes = (bytes: Uint8Array | null): number =>
  bytes === null ? 1 : varlongBytes(bytes.length) + bytes.length

function varlongBytes(value: number): number {
  let bytes = 1
  for (let rest = value < 0 ? -2 * value - 1 : 2 * value; rest >= 0x80; rest /= 0x80) bytes++
  return bytes
}
