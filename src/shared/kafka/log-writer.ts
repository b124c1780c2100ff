// Writes a log directory: identity files and the segments of one partition each. Any thread; feeds and tests.
// Invariant: what `append` is given are whole batches in offset order; a torn tail of its own is cut off before anything is
// appended, and a segment is on the disk before the next one begins, so that only the last can ever be torn.
import { type FileHandle, mkdir, open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assert, IngestError } from '../errors.ts'
import {
  isMissing,
  listPartitions,
  metaFile,
  type PartitionFolder,
  partitionFile,
  partitionFolderName,
  readClusterId,
  readTopicId,
  segmentFileName,
} from './log-directory.ts'
import { type LogView, PartitionLog } from './partition-log.ts'
import { readBatchHeader } from './record-batch.ts'

export interface LogWriterOptions {
  readonly directory: string
  readonly topicName: string
  readonly topicId: string
  readonly partition: number
  /** A segment is closed before it would grow beyond this; by default 128 MB. */
  readonly segmentBytes?: number
  /** Where a log begins that is made anew; by default 0. */
  readonly startOffset?: bigint
}

const SEGMENT_BYTES = 128 * 1024 * 1024

/**
 * Makes a log directory, or accepts one of the same cluster.
 * Errors: SOURCE_IDENTITY for another cluster's, STORE_NOT_WRITABLE, STORE_FULL.
 */
export async function createLogDirectory(directory: string, clusterId: string): Promise<void> {
  await writing(directory, async () => {
    await mkdir(directory, { recursive: true })
    await writeOnce(directory, metaFile, `version=1\nnode.id=1\ncluster.id=${clusterId}\n`)
  })
  const found = await readClusterId(directory)
  if (found !== clusterId) throw new IngestError('SOURCE_IDENTITY', { directory, clusterId, found })
}

/**
 * Opens a partition for appending, made if missing; the directory must exist. The tail torn by a crash is cut off.
 * Errors: SOURCE_IDENTITY for another topic's, SOURCE_CORRUPT where more than the tail is broken, STORE_NOT_WRITABLE, STORE_FULL.
 */
export async function openLogWriter(options: LogWriterOptions): Promise<LogWriter> {
  const { directory, topicName, topicId, partition } = options
  const path = join(directory, partitionFolderName(topicName, partition))
  const folder: PartitionFolder = { topicName, partition, path }
  await writing(path, async () => {
    await mkdir(path, { recursive: true })
    await syncFolder(directory)
    await writeOnce(path, partitionFile, `version: 0\ntopic_id: ${topicId}\n`)
  })
  const found = await readTopicId(folder)
  if (found !== topicId) throw new IngestError('SOURCE_IDENTITY', { topic: topicName, topicId, found })
  assert(
    (await listPartitions(directory)).some((one) => one.path === path),
    `${topicName} is a topic name`,
  )

  const view = await new PartitionLog(folder).refresh()
  if (view.tail.damage !== null) throw view.tail.damage
  return writing(path, async () => {
    const start = view.segments.length === 0 ? await newLog(path, options.startOffset ?? 0n) : await resumeLog(view)
    return new LogWriter(path, start, options.segmentBytes ?? SEGMENT_BYTES)
  })
}

interface WriterStart {
  readonly handle: FileHandle
  readonly byte: number
  readonly nextOffset: bigint
}

async function newLog(path: string, nextOffset: bigint): Promise<WriterStart> {
  const handle = await open(join(path, segmentFileName(nextOffset)), 'wx')
  await syncFolder(path)
  return { handle, byte: 0, nextOffset }
}

async function resumeLog({ segments, tail, logEnd }: LogView): Promise<WriterStart> {
  const handle = await open(segments.at(-1)?.path ?? '', 'r+')
  if (tail.size > tail.endByte) {
    await handle.truncate(tail.endByte)
    await handle.sync()
  }
  return { handle, byte: tail.endByte, nextOffset: logEnd }
}

export class LogWriter {
  readonly #path: string
  readonly #segmentBytes: number
  #handle: FileHandle
  #byte: number
  #nextOffset: bigint

  constructor(path: string, start: WriterStart, segmentBytes: number) {
    this.#path = path
    this.#segmentBytes = segmentBytes
    this.#handle = start.handle
    this.#byte = start.byte
    this.#nextOffset = start.nextOffset
  }

  /** Offset that the next batch must not be below. */
  get nextOffset(): bigint {
    return this.#nextOffset
  }

  /** Appends one or more whole batches, into one segment. On the disk only after `sync` or `close`. Errors: STORE_FULL, STORE_NOT_WRITABLE. */
  async append(batches: Uint8Array): Promise<void> {
    const first = this.#checkBatches(batches)
    await writing(this.#path, async () => {
      if (this.#byte > 0 && this.#byte + batches.length > this.#segmentBytes) await this.#roll(first.baseOffset)
      for (let written = 0; written < batches.length; ) {
        const { bytesWritten } = await this.#handle.write(
          batches,
          written,
          batches.length - written,
          this.#byte + written,
        )
        written += bytesWritten
      }
    })
    this.#byte += batches.length
    this.#nextOffset = first.nextOffset
  }

  async sync(): Promise<void> {
    await writing(this.#path, () => this.#handle.sync())
  }

  async close(): Promise<void> {
    try {
      await this.sync()
    } finally {
      await this.#handle.close()
    }
  }

  #checkBatches(batches: Uint8Array): { baseOffset: bigint; nextOffset: bigint } {
    let baseOffset: bigint | null = null
    let nextOffset = this.#nextOffset
    for (let at = 0; at < batches.length; ) {
      const header = readBatchHeader(batches, at)
      assert(header !== null && header.baseOffset >= nextOffset, 'batches are whole and in offset order')
      baseOffset ??= header.baseOffset
      nextOffset = header.nextOffset
      at += header.length
    }
    assert(baseOffset !== null, 'at least one batch is appended')
    return { baseOffset, nextOffset }
  }

  async #roll(baseOffset: bigint): Promise<void> {
    await this.#handle.sync()
    const next = await open(join(this.#path, segmentFileName(baseOffset)), 'wx')
    await this.#handle.close()
    this.#handle = next
    this.#byte = 0
    await syncFolder(this.#path)
  }
}

/** Writes a small file if it is not there, whole or not at all after a crash. */
async function writeOnce(folder: string, name: string, text: string): Promise<void> {
  const file = join(folder, name)
  try {
    await (await open(file, 'r')).close()
    return
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  const draft = `${file}.tmp`
  await writeFile(draft, text, { flush: true })
  await rename(draft, file)
  await syncFolder(folder)
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (error instanceof IngestError) throw error
    const isFull = error instanceof Error && 'code' in error && error.code === 'ENOSPC'
    throw new IngestError(isFull ? 'STORE_FULL' : 'STORE_NOT_WRITABLE', { path }, error)
  }
}
