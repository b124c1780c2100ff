// Stop and start from outside: SIGTERM, a second SIGTERM, two processes on one table. The table is judged by k2 verify.
import { expect, test } from 'vitest'
import { mixedLog } from '../support/bad-records.ts'
import {
  commitsIn,
  type K2Ended,
  k2,
  type Place,
  placeIn,
  startK2,
  temporaryFolder,
  verifyPlace,
} from '../support/k2-process.ts'

const none = { missing: 0, duplicate: 0, extra: 0, changed: 0 }
const limits = ['--chunk-rows', '500', '--batch-size', '2000', '--commit-interval', '200ms', '--workers', '1']
const logOptions = { messages: 20_000, seed: 3, roundMessages: 5_000 }
const runWords = (place: Place): string[] => ['run', ...place.words, ...limits]

const statisticsOf = ({ out }: K2Ended): Record<string, number> => JSON.parse(out).statistics

async function expectWhole(place: Place, rows: number): Promise<void> {
  const { verdict, tables } = await verifyPlace(place)
  expect(tables[0]?.totals).toMatchObject({ ...none, tableRows: rows, notYetCommitted: 0 })
  expect([verdict, tables[0]?.problems]).toEqual(['equal', []])
}

test('SIGTERM commits what was read and exits 0; the next run goes on exactly there', async () => {
  const place = placeIn(temporaryFolder())
  const log = await mixedLog({ ...logOptions, directory: place.log })
  // Between commits: everything read after the first one is in flight.
  const rare = ['--chunk-rows', '500', '--commit-interval', '1h', '--workers', '1']
  const run = startK2(['run', ...place.words, ...rare, '--throttle', '4000', '--json'])
  await run.wrote('route opened')
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  const termAtMs = performance.now()
  run.kill('SIGTERM')
  const ended = await run.ended
  expect(ended, ended.err).toMatchObject({ code: 0, signal: null })
  expect(performance.now() - termAtMs).toBeLessThan(10_000)
  const first = statisticsOf(ended)
  expect(first['messages_consumed']).toBeGreaterThan(1_000)
  expect(first['messages_consumed']).toBeLessThan(log.messages)

  // Nothing of what this run read is read again: the two together are the log.
  const second = await k2(...runWords(place), '--until-end', '--json')
  expect(second.code, second.err).toBe(0)
  const all = log.messages + log.deadLetters + log.tombstones
  const records = (statistics: Record<string, number>): number => statistics['messages_consumed'] ?? Number.NaN
  expect(records(first) + records(statisticsOf(second))).toBe(all)
  await expectWhole(place, log.messages)
}, 60_000)

test('a second SIGTERM ends the process at once, and nothing is lost by it', async () => {
  const place = placeIn(temporaryFolder())
  const log = await mixedLog({ ...logOptions, directory: place.log })
  const run = startK2([...runWords(place), '--throttle', '4000'])
  await run.wrote('Iceberg transaction committed', 2)
  run.kill('SIGTERM')
  await run.wrote('"msg":"stopping')
  const atMs = performance.now()
  run.kill('SIGTERM')
  const { code } = await run.ended
  expect(performance.now() - atMs).toBeLessThan(2_000)
  // 130 by the second signal; 0 where the drain was quicker than it.
  expect([0, 130]).toContain(code)
  const { code: nextCode, err } = await k2(...runWords(place), '--until-end')
  expect(nextCode, err).toBe(0)
  await expectWhole(place, log.messages)
}, 60_000)

test('two processes on one log and one table end well, and each record is one row', async () => {
  const place = placeIn(temporaryFolder())
  const log = await mixedLog({ ...logOptions, directory: place.log })
  const words = [...runWords(place), '--until-end', '--throttle', '4000']
  const both = await Promise.all([k2(...words), k2(...words)])
  expect(
    both.map(({ code }) => code),
    both.map(({ err }) => err).join('\n'),
  ).toEqual([0, 0])
  // They met: one of them found the offsets of the other in the table.
  expect(both.some(({ err }) => err.includes('another process wrote these offsets'))).toBe(true)
  await expectWhole(place, log.messages)

  const again = await k2(...words)
  expect([again.code, commitsIn(again.err)]).toEqual([0, 0])
  await expectWhole(place, log.messages)
}, 60_000)
