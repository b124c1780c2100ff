// Makes records, batches and log directories for tests: small, deterministic, readable at a glance.
import { mkdtempSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { WriterCodec } from '../../src/shared/kafka/compression.ts'
import { decompressBody } from '../../src/shared/kafka/compression.ts'
import { type LogWriter, type LogWriterOptions, openLogWriter } from '../../src/shared/kafka/log-writer.ts'
import { batchBody, readBatchHeader } from '../../src/shared/kafka/record-batch.ts'
import { type BatchOptions, type RecordInput, writeRecordBatch } from '../../src/shared/kafka/record-batch-writer.ts'
import { RecordCursor } from '../../src/shared/kafka/record-cursor.ts'

export const clusterId = 'Y2x1c3Rlci1mb3ItdGVzdA'
export const topicId = 'dG9waWMtaWQtZm9yLXRlcw'

/** Records whose value is the text `<offset>`, so that what is read back names its own offset. */
export function records(baseOffset: number, count: number, padBytes = 0): RecordInput[] {
  return Array.from({ length: count }, (_, i) => ({
    timestampMs: 1_700_000_000_000 + baseOffset + i,
    key: Buffer.from('key'),
    value: Buffer.from(`${baseOffset + i}`.padEnd(padBytes, ' ')),
  }))
}

export function batch(
  baseOffset: number,
  count: number,
  options: Partial<BatchOptions> & { padBytes?: number } = {},
): Uint8Array {
  const { padBytes, ...rest } = options
  return writeRecordBatch(records(baseOffset, count, padBytes), { baseOffset: BigInt(baseOffset), ...rest })
}

/** Offsets named by the values of concatenated batches; throws where a batch is not whole. */
export function offsetsIn(bytes: Uint8Array): number[] {
  const cursor = new RecordCursor()
  const offsets: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const header = readBatchHeader(bytes, at)
    if (header === null) throw new Error('incomplete batch in a slice')
    const body = decompressBody(header.codec, batchBody(bytes, at, header), 1 << 24)
    cursor.reset(body, header.recordCount, header.lastOffsetDelta)
    while (cursor.next()) {
      const value = Number(Buffer.from(body.subarray(cursor.valueStart, cursor.valueEnd)).toString())
      if (value !== Number(header.baseOffset) + cursor.offsetDelta) throw new Error(`value ${value} at another offset`)
      offsets.push(value)
    }
    at += header.length
  }
  return offsets
}

/** A directory of its own, removed after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'k2-log-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A log directory with its identity, and nothing else. */
export async function emptyLog(directory = temporaryDirectory()): Promise<string> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'meta.properties'), `#\nversion=1\ncluster.id=${clusterId}\nnode.id=1\n`)
  return directory
}

/** A partition folder whose segments are given byte by byte: file name's base offset → content. */
export async function writeSegments(
  directory: string,
  topicName: string,
  partition: number,
  segments: Readonly<Record<number, readonly Uint8Array[]>>,
): Promise<string> {
  const path = join(directory, `${topicName}-${partition}`)
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'partition.metadata'), `version: 0\ntopic_id: ${topicId}`)
  for (const [base, parts] of Object.entries(segments)) {
    await writeFile(join(path, `${base.padStart(20, '0')}.log`), Buffer.concat(parts))
  }
  return path
}

export const openWriter = (directory: string, options: Partial<LogWriterOptions> = {}): Promise<LogWriter> =>
  openLogWriter({ directory, topicName: 'trades', topicId, partition: 0, ...options })

export const filesIn = async (path: string): Promise<string[]> => (await readdir(path)).sort()

export const everyCodec: readonly WriterCodec[] = ['none', 'gzip', 'snappy', 'snappy-xerial', 'lz4']
