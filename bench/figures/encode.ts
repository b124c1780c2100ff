// Figure `encode`: columns to a Parquet file with its footer read back and its column statistics, as an encode worker does it. Its
// reference is parquet-wasm alone on the same columns.
import { describeFile } from '../../src/shared/parquet/data-file.ts'
import { isDirect, openEncoder } from '../encoder.ts'
import { type BenchOptions, type Figure, measurePair, timeFigure } from '../figure.ts'
import { parquetAlone } from '../parquet-alone.ts'
import { sampleColumns } from '../sample.ts'

const TIMES_MIN = 5

export async function encode(options: BenchOptions): Promise<readonly Figure[]> {
  const { batch, schema } = await sampleColumns(options)
  const encoder = openEncoder()
  const spec = { 'spec-id': 0, fields: [] }
  const whole = (): void => {
    const encoded = encoder.encode(batch, schema)
    describeFile({ location: 'file:///bench.parquet', batch, schema, spec, partition: [], encoded })
  }
  const pair = await measurePair(options.runs * 3, whole, parquetAlone(batch, schema))
  const records = batch.rowCount
  const referenceName = 'parquet-wasm alone, the same columns'
  const figure = timeFigure({ name: 'encode', unit: 'µs/row', scale: 1e3 / records, records, referenceName, pair })
  const value = figure.ratio ?? 0
  const gate = { name: 'encode against parquet-wasm alone', value, unit: '×', limit: TIMES_MIN, kind: 'min' } as const
  // Where this Node has no zstd of its own, parquet-wasm encodes: it cannot be faster than itself.
  return [{ ...figure, gates: isDirect ? [gate] : [] }]
}
