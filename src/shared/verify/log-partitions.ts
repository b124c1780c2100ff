// Finds the partitions of a log directory and reads their record batches, as verify sees them: a second reader beside the one
// that ingests. One thread. Invariant: batches come in offset order with a CRC that was right, or the read ends in an error;
// only the last batch of the last segment may be torn, and then it is the end of the log.
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'
import { IngestError } from '../errors.ts'
import { type TopicKey, topicKey } from '../offsets.ts'

export interface LogSegment {
  readonly file: string
  readonly base: number
}

export interface LogPartition {
  readonly topic: TopicKey
  readonly topicName: string
  readonly topicId: string
  readonly partition: number
  readonly segments: readonly LogSegment[]
  /** Base offset of the first segment. */
  readonly logStart: number
}

/** One v2 record batch (Kafka protocol guide, "Record Batch"); offsets and times are exact below 2^53. */
export interface LogBatch {
  readonly baseOffset: number
  /** Offset after the last one the batch stands for. */
  readonly nextOffset: number
  readonly attributes: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: bigint
  readonly recordCount: number
  /** The records, compressed as the attributes say; valid until the next batch is asked for. */
  readonly body: Uint8Array
}

export const isTransactional = (batch: LogBatch): boolean => (batch.attributes & 0x10) !== 0
export const isControl = (batch: LogBatch): boolean => (batch.attributes & 0x20) !== 0

const headerBytes = 61
const readBytes = 4 * 1024 * 1024
const batchBytesMax = 1024 * 1024 * 1024

/** All partitions whose topic fits. Errors: SOURCE_MISSING, SOURCE_EMPTY, SOURCE_IDENTITY, SOURCE_UNREADABLE. */
export async function findPartitions(source: string, fits: (topic: string) => boolean): Promise<LogPartition[]> {
  const folders = await list(source)
  const found: LogPartition[] = []
  let clusterId: string | null = null
  for (const folder of folders.sort()) {
    const match = /^(.+)-(\d{1,9})$/.exec(folder)
    const topicName = match?.[1] ?? ''
    if (match === null || !fits(topicName)) continue
    clusterId ??= await property(join(source, 'meta.properties'), 'cluster.id', '=')
    const directory = join(source, folder)
    const topicId = await property(join(directory, 'partition.metadata'), 'topic_id', ':')
    const names = (await list(directory)).filter((name) => /^\d{20}\.log$/.test(name)).sort()
    const segments = names.map((name) => ({ file: join(directory, name), base: Number(name.slice(0, 20)) }))
    const logStart = segments[0]?.base ?? 0
    const topic = topicKey(clusterId, topicId)
    found.push({ topic, topicName, topicId, partition: Number(match[2]), segments, logStart })
  }
  if (found.length === 0) throw new IngestError('SOURCE_EMPTY', { source })
  return found
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    throw unreadable(directory, error)
  }
}

async function property(file: string, key: string, separator: string): Promise<string> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new IngestError('SOURCE_IDENTITY', { file, key }, error)
  }
  const line = text.split(/\r?\n/).find((candidate) => candidate.startsWith(`${key}${separator}`))
  const value = line?.slice(key.length + 1).trim() ?? ''
  if (value === '') throw new IngestError('SOURCE_IDENTITY', { file, key })
  return value
}

/**
 * Reads a partition's batches from the segment that holds offset `from` on. Stops at the end of the log.
 * Errors: SOURCE_CORRUPT with file, byte and reason, SOURCE_UNREADABLE.
 */
export async function* readBatches(partition: LogPartition, from = 0): AsyncGenerator<LogBatch> {
  const { segments } = partition
  const isPast = (index: number): boolean => (segments[index + 1]?.base ?? Number.POSITIVE_INFINITY) <= from
  let next = partition.logStart
  for (const [index, segment] of segments.entries()) {
    if (isPast(index)) continue
    next = Math.max(next, segment.base)
    for await (const batch of readSegment(segment, index === segments.length - 1)) {
      if (batch.baseOffset < next) {
        throw corrupt(segment, -1, `batch at offset ${batch.baseOffset}, expected ${next} or later`)
      }
      next = batch.nextOffset
      if (batch.nextOffset > from) yield batch
    }
  }
}

/** A window over a segment file: grows to hold one batch, bounded. */
class Window {
  bytes = Buffer.alloc(readBytes)
  /** File position of bytes[0], and how many bytes are valid. */
  position = 0
  length = 0
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Makes bytes [at, at + size) of the window valid, moving it; the new `at`, or -1 where the file ends before. */
  async hold(at: number, size: number): Promise<number> {
    if (at + size <= this.length) return at
    const rest = this.bytes.subarray(at, this.length)
    // New memory: the batch handed out last may still be looked at.
    const target = Buffer.alloc(Math.max(readBytes, size))
    rest.copy(target)
    this.position += at
    this.length = rest.length
    this.bytes = target
    while (this.length < size) {
      const { bytesRead } = await this.#handle.read(
        target,
        this.length,
        target.length - this.length,
        this.position + this.length,
      )
      if (bytesRead === 0) return -1
      this.length += bytesRead
    }
    return 0
  }
}

async function* readSegment(segment: LogSegment, isLast: boolean): AsyncGenerator<LogBatch> {
  const handle = await open(segment.file, 'r').catch((error: unknown) => {
    throw unreadable(segment.file, error)
  })
  try {
    const { size } = await handle.stat()
    const window = new Window(handle)
    let at = 0
    while (window.position + at < size) {
      const start = window.position + at
      at = await window.hold(at, Math.min(headerBytes, size - start))
      const length = at < 0 || size - start < headerBytes ? -1 : 12 + window.bytes.readInt32BE(at + 8)
      if (length === -1 || length === 12 || (length >= headerBytes && start + length > size)) {
        // Cut, or a preallocated tail of zeros.
        if (isLast) return
        throw corrupt(segment, start, 'segment ends inside a batch')
      }
      if (length < headerBytes || length > batchBytesMax) throw corrupt(segment, start, `batch length ${length - 12}`)
      at = await window.hold(at, length)
      if (at < 0) throw new IngestError('SOURCE_UNREADABLE', { path: segment.file, reason: 'shrank while it was read' })
      const bytes = window.bytes.subarray(at, at + length)
      const reason = fault(bytes)
      if (reason !== null) {
        if (isLast && start + length === size) return
        throw corrupt(segment, start, reason)
      }
      at += length
      yield parseBatch(bytes)
    }
  } finally {
    await handle.close()
  }
}

/** Why this is no v2 batch, or null. */
function fault(bytes: Buffer): string | null {
  if (bytes.readInt8(16) !== 2) return `magic ${bytes.readInt8(16)}, only v2 batches are read`
  if (crc32c(bytes.subarray(21)) !== bytes.readUInt32BE(17)) return 'CRC-32C does not match'
  if (bytes.readInt32BE(23) < 0 || bytes.readInt32BE(57) < 0) return 'negative count in the header'
  return null
}

function parseBatch(bytes: Buffer): LogBatch {
  const baseOffset = Number(bytes.readBigInt64BE(0))
  return {
    baseOffset,
    nextOffset: baseOffset + bytes.readInt32BE(23) + 1,
    attributes: bytes.readInt16BE(21),
    baseTimestamp: Number(bytes.readBigInt64BE(27)),
    maxTimestamp: Number(bytes.readBigInt64BE(35)),
    producerId: bytes.readBigInt64BE(43),
    recordCount: bytes.readInt32BE(57),
    body: bytes.subarray(headerBytes),
  }
}

const corrupt = (segment: LogSegment, byte: number, reason: string): IngestError =>
  new IngestError('SOURCE_CORRUPT', { file: segment.file, byte, reason })

function unreadable(path: string, error: unknown): IngestError {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
  return new IngestError(isMissing ? 'SOURCE_MISSING' : 'SOURCE_UNREADABLE', { path }, error)
}
