// Figures `take-over-kill` and `take-over-stop`: from the signal that ends one of two pods until the table has moved on in every
// partition, so also in those of the one that ended. Invariant: each table is verified against the broker's own segments.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { POSITIONS_PROPERTY } from '../../src/shared/commit/positions.ts'
import { parsePositions } from '../../src/shared/commit/positions-json.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { openBroker } from '../broker.ts'
import { type BenchOptions, type Figure, median } from '../figure.ts'
import { runK2, startK2 } from '../k2-process.ts'
import { topicSource } from './line-kafka.ts'

const TABLE = { namespace: ['market_data'], name: 'trades_v2' }
const MESSAGES = 300_000
const PARTITIONS = 4
const SESSION_S = 6
const POLL_MS = 20
/** Beyond it something is broken, and there is no figure. */
const WAIT_MS_MAX = 60_000

/** A group learns of a death by its session, of a leave at once; then a share is opened and a first chunk committed. */
const cases = [
  { name: 'take-over-kill', signal: 'SIGKILL', secondsMax: SESSION_S + 2 },
  { name: 'take-over-stop', signal: 'SIGTERM', secondsMax: 2 },
] as const

export async function takeOver(options: BenchOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const { name, signal, secondsMax } of cases) {
    const runs: number[] = []
    for (let run = 0; run < options.runs; run++) runs.push(await runOnce(options, signal, `${name}-${run}`))
    const value = median(runs)
    const gate = { name: name.replaceAll('-', ' '), value, unit: 's', limit: secondsMax, kind: 'max' } as const
    figures.push({
      ...{ name, value, unit: 's', reference: null, ratio: null, cpuUsPerMessage: null, rssMb: null },
      ...{ runs, gates: [gate] },
    })
  }
  return figures
}

async function runOnce(options: BenchOptions, signal: NodeJS.Signals, name: string): Promise<number> {
  const topic = { name: 'take-over', messages: MESSAGES, partitions: PARTITIONS }
  const source = await topicSource(options, await openBroker(options), topic)
  const folder = join(options.folder, name)
  mkdirSync(folder)
  const [file, warehouse] = [join(folder, 'catalog.db'), join(folder, 'warehouse')]
  const tables = ['--catalog', `sqlite:${file}`, '--warehouse', warehouse]
  const words = ['run', ...source.run, '--group', name, ...tables]
  // Slow enough to outlast the figure.
  const slow = ['--throttle', '2000', '--commit-interval', '200ms', '--session-timeout', `${SESSION_S}s`]
  const pods = [1, 2].map(() => startK2(options, [...words, ...slow, '--workers', '1']))
  // Those that a signal ends are no failures.
  const ended = pods.map((pod) => pod.ended.then(() => undefined).catch(() => undefined))
  const catalog = openSqlCatalog({ file, store: openFolderStore(warehouse) })
  try {
    const positions = async (): Promise<readonly bigint[]> => {
      const text = (await catalog.loadTable(TABLE).catch(() => null))?.metadata.properties[POSITIONS_PROPERTY]
      const topics = text === undefined ? [] : [...parsePositions(text).topics.values()]
      return topics.flatMap(({ partitions }) => [...partitions.values()].map(({ next }) => next))
    }
    const movedOn = async (from: readonly bigint[]): Promise<void> => {
      for (const startMs = performance.now(); ; await sleep(POLL_MS)) {
        const now = await positions()
        if (now.length === PARTITIONS && now.every((next, index) => next > (from[index] ?? 0n))) return
        if (performance.now() - startMs > WAIT_MS_MAX) throw new Error('nobody reads on')
      }
    }
    // Both have joined by then, and each reads its own share.
    await sleep(2_000)
    for (let round = 0; round < 3; round++) await movedOn(await positions())
    const signalMs = performance.now()
    pods[0]?.kill(signal)
    await ended[0]
    await movedOn(await positions())
    const seconds = (performance.now() - signalMs) / 1000
    pods[1]?.kill('SIGTERM')
    await ended[1]
    await runK2(options, [...words, '--until-end'])
    await runK2(options, ['verify', ...source.verify, ...tables])
    return seconds
  } finally {
    for (const pod of pods) pod.kill('SIGKILL')
    await Promise.all(ended)
    await catalog.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
