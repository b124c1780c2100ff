// Finds the partitions of a log directory and reads their record batches, as verify sees them: a second reader beside the one
// that ingests. One thread. Invariant: batches come in offset order with a CRC that was right, or the read ends in an error;
// only the last batch of the last segment may be torn, and then it is the end of the log.
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { IngestError } from '../errors.ts'
import { topicKey } from '../offsets.ts'
import { BATCH_HEADER_BYTES, batchFault, type LogBatch, parseBatch } from './log-batch.ts'
import type { LogPartition, VerifySource } from './verify-source.ts'

interface LogSegment {
  readonly file: string
  readonly base: number
}

const readBytes = 4 * 1024 * 1024
const batchBytesMax = 1024 * 1024 * 1024

/** Kafka's segments in `<topic>-<partition>` folders. */
export const logDirectory = (path: string): VerifySource => ({
  name: path,
  partitions: (fits) => findPartitions(path, fits),
  close: async () => {},
})

/** All partitions whose topic fits. Errors: SOURCE_MISSING, SOURCE_EMPTY, SOURCE_IDENTITY, SOURCE_UNREADABLE. */
async function findPartitions(source: string, fits: (topic: string) => boolean): Promise<LogPartition[]> {
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
    const batches = (from: number): AsyncGenerator<LogBatch> => readBatches(segments, logStart, from)
    found.push({
      topic,
      topicName,
      topicId,
      partition: Number(match[2]),
      logStart,
      batches,
      batchesWithEnds: () => batches(0),
    })
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
async function* readBatches(segments: readonly LogSegment[], logStart: number, from: number): AsyncGenerator<LogBatch> {
  const isPast = (index: number): boolean => (segments[index + 1]?.base ?? Number.POSITIVE_INFINITY) <= from
  let next = logStart
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
      at = await window.hold(at, Math.min(BATCH_HEADER_BYTES, size - start))
      const length = at < 0 || size - start < BATCH_HEADER_BYTES ? -1 : 12 + window.bytes.readInt32BE(at + 8)
      if (length === -1 || length === 12 || (length >= BATCH_HEADER_BYTES && start + length > size)) {
        // Cut, or a preallocated tail of zeros.
        if (isLast) return
        throw corrupt(segment, start, 'segment ends inside a batch')
      }
      if (length < BATCH_HEADER_BYTES || length > batchBytesMax)
        throw corrupt(segment, start, `batch length ${length - 12}`)
      at = await window.hold(at, length)
      if (at < 0) throw new IngestError('SOURCE_UNREADABLE', { path: segment.file, reason: 'shrank while it was read' })
      const bytes = window.bytes.subarray(at, at + length)
      const reason = batchFault(bytes)
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

const corrupt = (segment: LogSegment, byte: number, reason: string): IngestError =>
  new IngestError('SOURCE_CORRUPT', { file: segment.file, byte, reason })

function unreadable(path: string, error: unknown): IngestError {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
  return new IngestError(isMissing ? 'SOURCE_MISSING' : 'SOURCE_UNREADABLE', { path }, error)
}
