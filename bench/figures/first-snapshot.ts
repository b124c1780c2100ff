// Figure `first-snapshot`: from the start of the process to the first snapshot with rows that another reader of the catalog sees. The
// reference is a bare Node that starts and ends: what no program on it can be faster than.
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { type BenchOptions, type Figure, median, timed } from '../figure.ts'
import { runK2, runNode, syntheticLog } from '../k2-process.ts'

const TABLE = { namespace: ['market_data'], name: 'trades_v2' }
const MESSAGES = 400_000
const POLL_MS = 10
const MS_MAX = 2000

export async function firstSnapshot(options: BenchOptions): Promise<readonly Figure[]> {
  const log = await syntheticLog(options, MESSAGES, 'lz4')
  const runs: number[] = []
  const bare: number[] = []
  for (let run = -1; run < options.runs; run++) {
    const bareMs = await timed(() => runNode(['--eval', '0']))
    const ms = await runOnce(options, log)
    if (run < 0) continue
    runs.push(ms)
    bare.push(bareMs)
  }
  const value = median(runs)
  const reference = { name: 'a bare Node, started and ended', value: median(bare), unit: 'ms' }
  const gate = { name: 'first snapshot', value, unit: 'ms', limit: MS_MAX, kind: 'max' } as const
  return [
    {
      name: 'first-snapshot',
      value,
      unit: 'ms',
      reference,
      ratio: reference.value / value,
      cpuUsPerMessage: null,
      rssMb: null,
      runs,
      gates: [gate],
    },
  ]
}

async function runOnce(options: BenchOptions, log: string): Promise<number> {
  const folder = join(options.folder, 'first')
  mkdirSync(folder)
  const [file, warehouse] = [join(folder, 'catalog.db'), join(folder, 'warehouse')]
  const tables = ['--catalog', `sqlite:${file}`, '--warehouse', warehouse]
  const startMs = performance.now()
  let ended = false
  const run = runK2(options, ['run', '--source', log, ...tables, '--until-end', '--json']).finally(() => {
    ended = true
  })
  const seen = seenAt(file, warehouse, () => ended)
  await run
  const seenMs = await seen
  rmSync(folder, { recursive: true, force: true })
  return seenMs - startMs
}

/** When a snapshot with rows was there. Errors: none came before the run ended. */
async function seenAt(file: string, warehouse: string, ended: () => boolean): Promise<number> {
  while (!existsSync(file) && !ended()) await sleep(POLL_MS)
  const catalog = openSqlCatalog({ file, store: openFolderStore(warehouse) })
  try {
    for (;;) {
      const isLast = ended()
      const metadata = (await catalog.loadTable(TABLE).catch(() => null))?.metadata
      if (metadata?.snapshots.some(({ summary }) => Number(summary['added-records'] ?? 0) > 0)) return performance.now()
      if (isLast) throw new Error('no snapshot with rows was seen')
      await sleep(POLL_MS)
    }
  } finally {
    await catalog.close()
  }
}
