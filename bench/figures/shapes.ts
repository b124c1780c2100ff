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
  const { rows: records } = shape
  const figure = (stage: string, referenceName: string, pair: Pair): Figure => {
    const name = `${stage}-${shape.name}`
    const timed = timeFigure({ name, unit: 'µs/row', scale: 1e3 / records, records, referenceName, pair })
    const bytes = { name: 'Avro bytes', value: avroBytes / records, unit: 'B/row' }
    return { ...timed, details: [...(timed.details ?? []), bytes] }
  }
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
