// A batch with the decoder that fills it, and what it then holds, for tests of the decoder.
import { parseAvroSchema } from '../../src/shared/avro/avro-schema.ts'
import { compileDecoder, type RecordDecoder } from '../../src/shared/avro/decoder.ts'
import { icebergSchemaOf } from '../../src/shared/avro/iceberg-mapping.ts'
import { createColumnBatch, type StoredBatch } from '../../src/shared/columns/storage.ts'
import type { IcebergSchema } from '../../src/shared/iceberg/schema.ts'
import { rowsOf } from './column-values.ts'

export interface Bench {
  readonly batch: StoredBatch
  readonly decoder: RecordDecoder
  readonly schema: IcebergSchema
}

export function benchOf(avroJson: unknown, table?: IcebergSchema): Bench {
  const avro = parseAvroSchema(typeof avroJson === 'string' ? avroJson : JSON.stringify(avroJson))
  const schema = table ?? icebergSchemaOf(avro, { keyColumn: false, headersColumn: false, tombstone: 'skip' })
  const batch = createColumnBatch(schema, 1)
  return { batch, decoder: compileDecoder(avro, schema, batch), schema }
}
export const fieldOf = (type: unknown): Bench => benchOf({ type: 'record', name: 'R', fields: [{ name: 'f', type }] })

/** Decodes one record that lies in the middle of other bytes. */
export function decode(bench: Bench, record: ArrayLike<number>): ReturnType<RecordDecoder['decode']> {
  const around = Uint8Array.from([0x80, 0xff, 0x02, ...Array.from(record), 0x02, 0x80, 0x80, 0x00, 0x00])
  const failure = bench.decoder.decode(around, 3, 3 + record.length)
  if (failure === null) bench.batch.rowCount += 1
  return failure
}

export const ownRows = (bench: Bench): unknown[] =>
  rowsOf({
    rowCount: bench.batch.rowCount,
    columns: bench.batch.columns.filter((c) => !c.field.name.startsWith('kafka_')),
  })

export function decodeField(type: unknown, bytes: readonly number[]): unknown {
  const bench = fieldOf(type)
  const failure = decode(bench, bytes)
  if (failure !== null) return failure.code
  return (ownRows(bench)[0] as { f: unknown }).f
}
