// Figure `cpu-pyarrow`: all CPU of the whole line for one message against that of pyarrow.parquet.write_table alone on the same rows,
// which lie ready in Arrow memory: what remains of a line when everything but its last step costs nothing.
import { openBroker } from '../broker.ts'
import { type BenchOptions, median, type Outcome } from '../figure.ts'
import { type LineRun, runLine } from '../line-run.ts'
import { openPython, runPeer } from '../python.ts'
import { PARTITIONS, topicSource } from './line-kafka.ts'

const TIMES_MAX = 2.5
const ROWS_MAX = 1_000_000
const CPU_SECONDS = 4

/** What peers/pyarrow-write.py prints. */
interface Write {
  readonly rows: number
  readonly written: number
  readonly cpu_us: number
}

export async function cpuPyarrow(options: BenchOptions): Promise<readonly Outcome[]> {
  const python = await openPython(options.root)
  if (python.kind === 'missing') return [{ name: 'cpu-pyarrow', unmeasured: python.reason }]
  const { messages, root } = options
  const broker = await openBroker(options)
  const source = await topicSource(options, broker, { name: 'line', messages, partitions: PARTITIONS })
  const runs: LineRun[] = []
  const alone: number[] = []
  for (let run = 0; run < options.runs; run++) {
    const line = await runLine(options, source, async ({ catalogFile }) => {
      const words = [catalogFile, String(ROWS_MAX), String(CPU_SECONDS)]
      // The cast: the script belongs to this bench.
      const { cpu_us, written } = (await runPeer(python, root, 'pyarrow-write.py', words)) as Write
      alone.push(cpu_us / written)
    })
    runs.push(line)
  }
  const values = runs.map((run) => run.cpuUsPerMessage)
  const value = median(values)
  const reference = { name: 'pyarrow.parquet.write_table alone, the same rows', value: median(alone), unit: 'µs/row' }
  const times = value / reference.value
  return [
    {
      name: 'cpu-pyarrow',
      value,
      unit: 'µs/msg',
      reference,
      ratio: 1 / times,
      cpuUsPerMessage: value,
      rssMb: Math.max(...runs.map((run) => run.rssMb)),
      runs: values,
      gates: [
        { name: 'CPU of the line against pyarrow alone', value: times, unit: '×', limit: TIMES_MAX, kind: 'max' },
      ],
    },
  ]
}
