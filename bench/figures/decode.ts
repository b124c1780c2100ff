// Figure `decode`: TradeV2 from Avro into columns by the generated decoder. Its reference is avsc reading the same messages into
// objects: an oracle in this project, never part of it where records come from outside.
import avro from 'avsc'
import { parseAvroSchema } from '../../src/shared/avro/avro-schema.ts'
import { compileDecoder } from '../../src/shared/avro/decoder.ts'
import { createColumnBatch, resetBatch } from '../../src/shared/columns/storage.ts'
import { type BenchOptions, type Figure, measurePair, timeFigure } from '../figure.ts'
import { sampleData, sampleSlices, tradeLayout, tradeSchemaJson } from '../sample.ts'

export async function decode(options: BenchOptions): Promise<readonly Figure[]> {
  const data = sampleData(await sampleSlices(options, 'none'))
  const { schema } = tradeLayout(options.root)
  const own = { ...schema, fields: schema.fields.filter(({ name }) => !name.startsWith('kafka_')) }
  const batch = createColumnBatch(own, 1024)
  const decoder = compileDecoder(parseAvroSchema(tradeSchemaJson(options.root)), own, batch)
  const columns = (): void => {
    resetBatch(batch)
    for (const { body, start, end } of data) {
      if (decoder.decode(body, start, end) !== null) throw new Error('the sample does not decode')
      batch.rowCount++
    }
  }
  const type = avro.Type.forSchema(JSON.parse(tradeSchemaJson(options.root)))
  const buffers = data.map(({ body, start, end }) => Buffer.from(body.buffer, body.byteOffset + start, end - start))
  const objects = (): void => {
    for (const buffer of buffers) type.fromBuffer(buffer)
  }
  const pair = await measurePair(options.runs * 3, columns, objects)
  const scale = 1e6 / data.length
  const referenceName = 'avsc, the same messages to objects'
  return [timeFigure({ name: 'decode', unit: 'ns/record', scale, records: data.length, referenceName, pair })]
}
