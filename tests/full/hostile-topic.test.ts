// A topic of a million records, 5,000 of them bad in forty ways, in all codecs, read through kills: each good one is a row, each bad one a
// dead letter with its code; those that can be repaired are rows after one replay, and no second one adds any.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { ErrorCode } from '../../src/shared/errors.ts'
import { runProgram } from '../support/built-k2.ts'
import { hostileKinds, LATER_ID } from '../support/hostile-kinds.ts'
import { hostileSize } from '../support/hostile-topic.ts'
import { k2, placeIn, temporaryFolder, verifyPlace } from '../support/k2-process.ts'
import { runThroughKills } from '../support/kills.ts'
import { newestNode } from '../support/newest-node.ts'
import { registryFolder } from '../support/planted-letters.ts'

const maker = fileURLToPath(new URL('../support/hostile-topic.ts', import.meta.url))
const each = hostileSize.bad / hostileKinds.length

test('5,000 bad records of forty kinds among a million, in all codecs, through kills: each a dead letter with its code, each other a row', async () => {
  expect([hostileKinds.length, each]).toEqual([40, 125])
  const place = placeIn(temporaryFolder())
  const made = await runProgram(await newestNode(), [maker, place.log])
  expect(made.code, made.err).toBe(0)
  const unknown = ['--unknown-schema', 'dead-letter', '--schemas', await registryFolder(place.folder, false)]
  const limits = ['--chunk-rows', '5000', '--batch-size', '20000', '--commit-interval', '300ms', '--throttle', '40000']
  const run = await runThroughKills({
    words: ['run', ...place.words, ...unknown, '--until-end', '--workers', '2', ...limits],
    count: 12,
    seed: 7,
    lifeMsMax: 3_000,
    afterCommitMsMax: 600,
  })
  expect(run.last, run.last.err).toMatchObject({ code: 0 })
  expect(run.missed).toBe(0)

  const proof = await verifyPlace(place)
  const good = hostileSize.records - hostileSize.bad
  const none = { missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 }
  expect(proof.tables[0]?.totals, JSON.stringify(proof.tables[0]?.examples)).toMatchObject({
    ...none,
    sourceRecords: hostileSize.records,
    tableRows: good,
    deadLetters: hostileSize.bad,
  })
  const summary = await k2('dead-letters', 'summary', ...place.words.slice(2), '--json')
  const [{ groups, count }] = JSON.parse(summary.out).tables
  expect(count).toBe(hostileSize.bad)
  expect(
    countsOf(groups.map((group: { error_code: string; count: number }) => [group.error_code, group.count])),
  ).toEqual(countsOf(hostileKinds.map(([code]) => [code, each])))

  const repaired = ['--schemas', await registryFolder(place.folder, true), '--json']
  const words = ['replay', ...place.words.slice(2), '--table', 'market_data.trades_v2', ...repaired]
  const replay = async () => JSON.parse((await k2('dead-letters', ...words)).out)
  // One of the forty kinds is a whole trade under an id that the registry did not know.
  expect(hostileKinds.filter(([, { value }]) => value?.[3] === LATER_ID >> 8 && value.length > 100)).toHaveLength(1)
  expect(await replay()).toMatchObject({ replayed: each })
  expect(await replay()).toMatchObject({ replayed: 0 })
  const { verdict, tables } = JSON.parse((await k2('verify', ...place.words, ...repaired)).out)
  expect(tables[0].totals).toMatchObject({ ...none, tableRows: good + each, replayed: each })
  expect(verdict).toBe('equal')
}, 900_000)

function countsOf(pairs: readonly (readonly [ErrorCode | string, number])[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const [code, count] of pairs) counts[code] = (counts[code] ?? 0) + count
  return counts
}
