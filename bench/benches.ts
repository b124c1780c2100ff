// The benches by name, in the order in which they run: stages first, then what is made of them.
import type { When } from './arguments.ts'
import { calibration } from './calibration.ts'
import type { Bench } from './figure.ts'
import { batchWalk } from './figures/batch-walk.ts'
import { commit } from './figures/commit.ts'
import { commitGrowth } from './figures/commit-growth.ts'
import { cpuPyarrow } from './figures/cpu-pyarrow.ts'
import { decode } from './figures/decode.ts'
import { decompress } from './figures/decompress.ts'
import { demoSeconds } from './figures/demo-seconds.ts'
import { encode } from './figures/encode.ts'
import { firstRowKafka, firstSnapshot } from './figures/first-snapshot.ts'
import { freshness } from './figures/freshness.ts'
import { lineKafka } from './figures/line-kafka.ts'
import { lineLogDirectory } from './figures/line-log-directory.ts'
import { manyPartitions } from './figures/many-partitions.ts'
import { memory } from './figures/memory.ts'
import { peerPython } from './figures/peer-python.ts'
import { querySymbol } from './figures/query-symbol.ts'
import { shapesBench } from './figures/shapes.ts'
import { takeOver } from './figures/take-over.ts'
import { twoProcesses } from './figures/two-processes.ts'

interface NamedBench {
  readonly when: When
  readonly bench: Bench
}

/** Measured with every bench, whatever is asked for. */
export const CALIBRATION = 'calibration'

const always = (bench: Bench): NamedBench => ({ when: 'always', bench })

export const benches: ReadonlyMap<string, NamedBench> = new Map<string, NamedBench>([
  [CALIBRATION, always(calibration)],
  ['batch-walk', always(batchWalk)],
  ['decompress', always(decompress)],
  ['decode', always(decode)],
  ['encode', always(encode)],
  ['shapes', always(shapesBench)],
  ['commit', always(commit)],
  ['commit-growth', always(commitGrowth)],
  ['line-log-directory', always(lineLogDirectory)],
  ['line-kafka', always(lineKafka)],
  ['cpu-pyarrow', always(cpuPyarrow)],
  ['peer-python', { when: 'python', bench: peerPython }],
  ['two-processes', always(twoProcesses)],
  ['many-partitions', always(manyPartitions)],
  ['memory', { when: 'long', bench: memory }],
  ['freshness', always(freshness)],
  ['first-snapshot', always(firstSnapshot)],
  ['first-row-kafka', always(firstRowKafka)],
  ['query-symbol', always(querySymbol)],
  ['demo-seconds', always(demoSeconds)],
  ['take-over', always(takeOver)],
])

/** When each is measured, in order. */
export const figureTimes: ReadonlyMap<string, When> = new Map([...benches].map(([name, { when }]) => [name, when]))
