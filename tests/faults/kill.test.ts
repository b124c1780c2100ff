// kill -9 at random moments of a run, started again each time: nothing is missing, double, extra or changed afterwards.
// The long one (50 kills, 1,000,000 messages) is tests/full/kill.test.ts.
import { expect, test } from 'vitest'
import { mixedLog } from '../support/bad-records.ts'
import { k2, placeIn, temporaryFolder, verifyPlace } from '../support/k2-process.ts'
import { runThroughKills } from '../support/kills.ts'

const none = { missing: 0, duplicate: 0, extra: 0, changed: 0 }

test('five kills during a run of 60,000 messages cost nothing, and another run adds nothing', async () => {
  const seed = Number(process.env['K2_KILL_SEED'] ?? Date.now() % 1_000_000)
  console.log(`kill seed ${seed} (again with K2_KILL_SEED=${seed})`)
  const place = placeIn(temporaryFolder())
  const log = await mixedLog({ directory: place.log, messages: 60_000, seed: 7, roundMessages: 6_000 })
  const limits = ['--chunk-rows', '500', '--batch-size', '1500', '--commit-interval', '100ms', '--workers', '2']
  const words = ['run', ...place.words, '--until-end', ...limits]

  const run = await runThroughKills({
    words: [...words, '--throttle', '6000'],
    count: 5,
    seed,
    lifeMsMax: 2_500,
    afterCommitMsMax: 400,
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
}, 120_000)
