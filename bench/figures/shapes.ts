// Figures `decode-wide`, `encode-wide`, `decode-nested`, `encode-nested`: the two stages on 100 columns and on lists of records. Their
// references are avsc to objects, and parquet-wasm alone on the same columns.
import { describeFile } from '../../src/shared/parquet/data-file.ts'
import { openEncoder } from '../encoder.ts'
import { type BenchOptions, type Figure, measurePair, type Pair, timeFigure } from '../figure.ts'
import { parquetAlone } from '../parquet-alone.ts'
import { fillShape, type Shape, shapes } from '../shapes.ts'

export async function shapesBench(options: BenchOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const shape of shapes) figures.push(...(await measureShape(options, shape)))
  return figures
}

async function measureShape(options: BenchOptions, shape: Shape): Promise<readonly Figure[]> {
  const { batch, schema, decode, decodeByAvsc, avroBytes } = fillShape(shape)
  const encoder = openEncoder()
  const encode = (): void => {
    const encoded = encoder.encode(batch, schema)
    const spec = { 'spec-id': 0, fields: [] }
    describeFile({ location: 'file:///bench.parquet', batch, schema, spec, partition: [], encoded })
  }
  const figure = (stage: string, referenceName: string, pair: Pair): Figure => ({
    ...timeFigure({
      name: `${stage}-${shape.name}`,
      unit: 'µs/row',
      scale: 1e3 / shape.rows,
      records: shape.rows,
      referenceName,
      pair,
    }),
    details: [{ name: 'Avro bytes', value: avroBytes / shape.rows, unit: 'B/row' }],
  })
  const runs = options.runs * 3
  return [
    figure('decode', 'avsc, the same rows to objects', await measurePair(runs, decode, decodeByAvsc)),
    figure(
      'encode',
      'parquet-wasm alone, the same columns',
      await measurePair(runs, encode, parquetAlone(batch, schema)),
    ),
  ]
}
