// Figures `take-over-kill` and `take-over-stop`: from the signal that ends one of two pods until the table has moved on in every
// partition, so also in those of the one that ended. Invariant: each table is verified against the broker's own segments.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { POSITIONS_PROPERTY } from '../../src/shared/commit/positions.ts'
import { parsePositions } from '../../src/shared/commit/positions-json.ts'
import type { Catalog } from '../../src/shared/iceberg/catalog.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { openBroker } from '../broker.ts'
import { type BenchOptions, type Figure, median } from '../figure.ts'
import { runK2, startK2 } from '../k2-process.ts'
import { createStampedTopic, feedSteadily } from '../steady-feed.ts'

const TABLE = { namespace: ['market_data'], name: 'trades_v2' }
/** So few that a pod is never behind: what is measured is the group and the opening, not the reading. */
const PER_SECOND = 1_000
/** Both have joined by then. */
const WARM_MS = 4_000
const PARTITIONS = 4
const SESSION_S = 6
const POLL_MS = 20
/** Beyond it something is broken, and there is no figure. */
const WAIT_MS_MAX = 60_000

/** A group learns of a death by its session, of a leave at once; then a share is opened and a first chunk committed. */
const cases = [
  { name: 'kill', signal: 'SIGKILL', secondsMax: SESSION_S + 2 },
  { name: 'stop', signal: 'SIGTERM', secondsMax: 2 },
] as const

export async function takeOver(options: BenchOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const { name: end, signal, secondsMax } of cases) {
    const name = `take-over-${end}`
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
  const broker = await openBroker(options)
  const feed = { topic: `market.crypto.trades.bench-${name}`, partitions: PARTITIONS, perSecond: PER_SECOND }
  await createStampedTopic(broker, feed)
  const folder = join(options.folder, name)
  mkdirSync(folder)
  const [file, warehouse] = [join(folder, 'catalog.db'), join(folder, 'warehouse')]
  const tables = ['--catalog', `sqlite:${file}`, '--warehouse', warehouse]
  const words = ['run', '--brokers', broker.address, '--topic', feed.topic, '--group', name, ...tables]
  const limits = ['--commit-interval', '200ms', '--session-timeout', `${SESSION_S}s`, '--workers', '1']
  const stop = new AbortController()
  const feeding = feedSteadily(broker, feed, stop.signal)
  feeding.catch(() => undefined)
  const [first, second] = [startPod(options, [...words, ...limits]), startPod(options, [...words, ...limits])]
  const catalog = openSqlCatalog({ file, store: openFolderStore(warehouse) })
  try {
    await sleep(WARM_MS)
    for (let round = 0; round < 3; round++) await movedOn(catalog)
    const signalMs = performance.now()
    first.kill(signal)
    await first.ended
    await movedOn(catalog)
    const seconds = (performance.now() - signalMs) / 1000
    stop.abort()
    await feeding
    second.kill('SIGTERM')
    await second.ended
    await runK2(options, [...words, '--until-end'])
    await runK2(options, ['verify', '--source', broker.log, '--topic', feed.topic, ...tables])
    return seconds
  } finally {
    stop.abort()
    for (const pod of [first, second]) pod.kill('SIGKILL')
    await Promise.all([first.ended, second.ended, feeding.catch(() => undefined)])
    await catalog.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A pod that a signal ends is no failure. */
function startPod(options: BenchOptions, words: readonly string[]) {
  const pod = startK2(options, words)
  return { kill: pod.kill, ended: pod.ended.then(() => undefined).catch(() => undefined) }
}

/** Resolves once the table stands further in every partition than it does now. Errors: it does not. */
async function movedOn(catalog: Catalog): Promise<void> {
  const from = await positionsIn(catalog)
  for (const startMs = performance.now(); ; await sleep(POLL_MS)) {
    const now = await positionsIn(catalog)
    if (now.length === PARTITIONS && now.every((next, index) => next > (from[index] ?? 0n))) return
    if (performance.now() - startMs > WAIT_MS_MAX) throw new Error('nobody reads on')
  }
}

async function positionsIn(catalog: Catalog): Promise<readonly bigint[]> {
  const text = (await catalog.loadTable(TABLE).catch(() => null))?.metadata.properties[POSITIONS_PROPERTY]
  const topics = text === undefined ? [] : [...parsePositions(text).topics.values()]
  return topics.flatMap(({ partitions }) => [...partitions.values()].map(({ next }) => next))
}
