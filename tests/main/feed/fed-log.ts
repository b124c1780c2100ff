// Reads what a feed wrote, by its own means: batches and records by the shared readers, values by avsc from the shipped schemas.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import avro from 'avsc'
import { readSchemaId } from '../../../src/shared/avro/framing.ts'
import { decompressBody } from '../../../src/shared/kafka/compression.ts'
import { listPartitions, listSegments } from '../../../src/shared/kafka/log-directory.ts'
import { batchBody, isBatchIntact, readBatchHeader } from '../../../src/shared/kafka/record-batch.ts'
import { RecordCursor } from '../../../src/shared/kafka/record-cursor.ts'

export const schemasDirectory = new URL('../../../schemas', import.meta.url).pathname
export const asxDirectory = new URL('../../../data/asx-2014-03', import.meta.url).pathname

export interface FedRecord {
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: string
  readonly valueBytes: number
  /** Decimals as unscaled bigint, times as µs. */
  readonly value: Readonly<Record<string, unknown>>
}

export interface FedLog {
  readonly partitions: number
  readonly records: readonly FedRecord[]
  /** Record counts of the batches, per partition. */
  readonly batchCounts: readonly (readonly number[])[]
  readonly codecs: ReadonlySet<string>
}

class UnscaledDecimal extends avro.types.LogicalType {
  override _fromValue(bytes: Buffer): bigint {
    return BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex') || '0'}`))
  }
}

const schemaFiles = ['', 'trade_v2.avsc', 'quote_v2.avsc', 'reference_data_v2.avsc']

export async function readFedLog(directory: string, topic: string): Promise<FedLog> {
  const types: avro.Type[] = []
  for (const [id, file] of schemaFiles.entries()) {
    if (id === 0) continue
    const schema = JSON.parse(await readFile(join(schemasDirectory, file), 'utf8'))
    types[id] = avro.Type.forSchema(schema, { logicalTypes: { decimal: UnscaledDecimal } })
  }
  const folders = (await listPartitions(directory)).filter((folder) => folder.topicName === topic)
  const records: FedRecord[] = []
  const batchCounts: number[][] = []
  const codecs = new Set<string>()
  const cursor = new RecordCursor()
  for (const { partition, path } of folders) {
    const counts: number[] = []
    batchCounts[partition] = counts
    let expected = 0n
    for (const segment of await listSegments(path)) {
      const bytes = new Uint8Array(await readFile(segment.path))
      for (let at = 0; at < bytes.length; ) {
        const header = readBatchHeader(bytes, at)
        if (header === null || !isBatchIntact(bytes, at, header))
          throw new Error(`torn or corrupt at byte ${at} of ${path}`)
        if (header.baseOffset !== expected) throw new Error(`offset ${header.baseOffset}, expected ${expected}`)
        expected = header.nextOffset
        counts.push(header.recordCount)
        codecs.add(header.codec)
        const body = Buffer.from(decompressBody(header.codec, batchBody(bytes, at, header), 1 << 26))
        cursor.reset(body, header.recordCount, header.lastOffsetDelta)
        while (cursor.next()) {
          const schemaId = readSchemaId(body, cursor.valueStart, cursor.valueEnd)
          const type = types[schemaId]
          if (type === undefined) throw new Error(`schema id ${schemaId}`)
          records.push({
            partition,
            offset: header.baseOffset + BigInt(cursor.offsetDelta),
            timestampMs: Number(header.baseTimestamp) + cursor.timestampDelta,
            key: body.toString('utf8', cursor.keyStart, cursor.keyEnd),
            valueBytes: cursor.valueEnd - cursor.valueStart,
            value: type.fromBuffer(body.subarray(cursor.valueStart + 5, cursor.valueEnd)),
          })
        }
        at += header.length
      }
    }
  }
  return { partitions: folders.length, records, batchCounts, codecs }
}

/** Every file below a directory with the hash of its bytes. */
export async function fingerprint(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found[relative(directory, path)] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }
  return found
}
