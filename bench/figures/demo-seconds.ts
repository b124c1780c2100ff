// Figure `demo-seconds`: `k2 demo` from its start to the proof printed. Its reference is one thread of parquet-wasm alone encoding as
// many rows as the demo moves, so that a slower machine is not taken for a slower demo.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchOptions, type Figure, median, timed } from '../figure.ts'
import { runK2 } from '../k2-process.ts'
import { parquetAlone } from '../parquet-alone.ts'
import { sampleColumns } from '../sample.ts'

const ROWS = 200_545
const SECONDS_MAX = 30

export async function demoSeconds(options: BenchOptions): Promise<readonly Figure[]> {
  const { batch, schema } = await sampleColumns(options)
  const alone = parquetAlone(batch, schema)
  alone()
  const runs: number[] = []
  const references: number[] = []
  for (let run = 0; run < options.runs; run++) {
    references.push(((await timed(alone)) / 1000 / batch.rowCount) * ROWS)
    const dir = join(options.folder, 'demo')
    runs.push((await runK2(options, ['demo', '--dir', dir, '--json'])).durationMs / 1000)
    rmSync(dir, { recursive: true, force: true })
  }
  const value = median(runs)
  const reference = { name: 'parquet-wasm alone, as many rows', value: median(references), unit: 's' }
  return [
    {
      name: 'demo-seconds',
      value,
      unit: 's',
      reference,
      ratio: reference.value / value,
      cpuUsPerMessage: null,
      rssMb: null,
      runs,
      gates: [{ name: 'demo', value, unit: 's', limit: SECONDS_MAX, kind: 'max' }],
    },
  ]
}
