// Figure `encode`: columns to a Parquet file and its manifest entry, as an encode worker does it on this Node. Its reference is
// parquet-wasm alone on the same columns; the gate is what the product promises where it writes pages itself.
import { describeFile } from '../../src/shared/parquet/data-file.ts'
import { chooseEncoder } from '../../src/shared/parquet/encoder-choice.ts'
import { PageEncoder } from '../../src/shared/parquet/page-encoder.ts'
import { standardProperties } from '../../src/shared/parquet/parquet-properties.ts'
import { ParquetWasmEncoder } from '../../src/shared/parquet/parquet-wasm-encoder.ts'
import { type BenchOptions, type Figure, measurePair, timeFigure } from '../figure.ts'
import { parquetAlone } from '../parquet-alone.ts'
import { sampleColumns } from '../sample.ts'

/** Times as fast as parquet-wasm that the direct encoder must be. */
const RATIO_MIN = 5

export async function encode(options: BenchOptions): Promise<readonly Figure[]> {
  const { batch, schema } = await sampleColumns(options)
  const isDirect = chooseEncoder('auto', standardProperties).kind === 'direct'
  const encoder = isDirect ? new PageEncoder() : new ParquetWasmEncoder()
  const spec = { 'spec-id': 0, fields: [] }
  const whole = (): void => {
    const encoded = encoder.encode(batch, schema)
    describeFile({ location: 'file:///bench.parquet', batch, schema, spec, partition: [], encoded })
  }
  const pair = await measurePair(options.runs * 3, whole, parquetAlone(batch, schema))
  const records = batch.rowCount
  const referenceName = 'parquet-wasm alone, the same columns'
  const figure = timeFigure({ name: 'encode', unit: 'µs/row', scale: 1e3 / records, records, referenceName, pair })
  const gate = {
    name: 'encode, times parquet-wasm',
    value: figure.ratio ?? 0,
    unit: '×',
    limit: RATIO_MIN,
    kind: 'min',
  } as const
  return [{ ...figure, gates: isDirect ? [gate] : [] }]
}
