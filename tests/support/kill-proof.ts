// kill -9 at random moments of a run, started again each time: nothing is missing, double, extra or changed afterwards, and another
// run adds nothing. One test in two sizes: tests/faults/kill.test.ts and tests/full/kill.test.ts.
import { expect } from 'vitest'
import { mixedLog } from './bad-records.ts'
import { k2, placeIn, temporaryFolder, verifyPlace } from './k2-process.ts'
import { runThroughKills } from './kills.ts'

export interface KillPlan {
  readonly messages: number
  readonly kills: number
  readonly roundMessages: number
  readonly chunkRows: string
  readonly batchSize: string
  readonly commitInterval: string
  /** Messages per second: slow enough that kills hit every stage. */
  readonly throttle: string
  readonly lifeMsMax: number
  readonly afterCommitMsMax: number
}

const none = { missing: 0, duplicate: 0, extra: 0, changed: 0 }

export async function proveKillsCostNothing(plan: KillPlan): Promise<void> {
  const seed = Number(process.env['K2_KILL_SEED'] ?? Date.now() % 1_000_000)
  console.log(`kill seed ${seed} (again with K2_KILL_SEED=${seed})`)
  const place = placeIn(temporaryFolder())
  const log = await mixedLog({
    directory: place.log,
    messages: plan.messages,
    seed: 7,
    roundMessages: plan.roundMessages,
  })
  const limits = [
    '--chunk-rows',
    plan.chunkRows,
    '--batch-size',
    plan.batchSize,
    '--commit-interval',
    plan.commitInterval,
  ]
  const words = ['run', ...place.words, '--until-end', '--workers', '2', ...limits]

  const run = await runThroughKills({
    words: [...words, '--throttle', plan.throttle],
    count: plan.kills,
    seed,
    lifeMsMax: plan.lifeMsMax,
    afterCommitMsMax: plan.afterCommitMsMax,
  })
  expect(run.last, run.last.err).toMatchObject({ code: 0 })
  expect(run.missed).toBe(0)
  expect(run.late).toBeGreaterThan(0)

  const { verdict, tables } = await verifyPlace(place)
  expect(tables[0]?.totals, JSON.stringify(tables[0]?.examples)).toMatchObject({
    ...none,
    sourceRecords: log.messages + log.deadLetters + log.tombstones,
    tableRows: log.messages,
    deadLetters: log.deadLetters,
    notYetCommitted: 0,
  })
  expect(tables[0]?.problems).toEqual([])
  expect(verdict).toBe('equal')

  const again = await k2(...words, '--json')
  expect(again.code, again.err).toBe(0)
  expect(JSON.parse(again.out)).toMatchObject({ statistics: { messages_consumed: 0, commits: 0 } })
  expect((await verifyPlace(place)).tables[0]?.totals).toMatchObject({ ...none, tableRows: log.messages })
}
