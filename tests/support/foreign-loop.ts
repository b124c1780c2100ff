// Another engine does what it may, at random and without an end, while K2 ingests and is killed now and then; then the proof. One test in
// two sizes: tests/full/foreign-loop.test.ts and tests/soak/foreign-loop.test.ts. A seed decides the actions; when they meet K2 is chance.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { createRandom, type Random } from '../simulation/random.ts'
import { type Answer, ForeignWriter } from './foreign-writer.ts'
import { commitsIn, k2, type Place, placeIn, startK2, temporaryFolder, verifyPlace } from './k2-process.ts'
import { LogFeeder } from './log-feeder.ts'

export interface LoopPlan {
  readonly ms: number
  /** On average. */
  readonly killEveryMs: number
}

interface Loop {
  readonly foreign: ForeignWriter
  readonly random: Random
  /** Rows of the other engine in main. */
  foreignRows: number
  columns: number
  partitioned: boolean
}

type Action = (loop: Loop) => Promise<Answer | null>

/** Actions by name; each answers null where it lost its race with K2. */
const actions: Readonly<Record<string, Action>> = {
  append: async (loop) => {
    const rows = 1 + loop.random.int(50)
    const answer = await loop.foreign.attempt('append', { rows })
    if (answer !== null) loop.foreignRows += rows
    return answer
  },
  delete: async (loop) => {
    const answer = await loop.foreign.attempt('delete', { foreign: 'true' })
    if (answer !== null) loop.foreignRows -= Number(answer['rows'])
    return answer
  },
  'rewrite data': ({ foreign, random }) => foreign.attempt('rewrite-data', { files: 2 + random.int(30) }),
  'rewrite manifests': ({ foreign }) => foreign.attempt('rewrite-manifests'),
  expire: ({ foreign, random }) => foreign.attempt('expire', { keep: 1 + random.int(3) }),
  orphans: ({ foreign }) => foreign.attempt('orphans', { 'older-ms': 3_600_000 }),
  statistics: ({ foreign }) => foreign.attempt('statistics'),
  'move a tag': ({ foreign, random }) => foreign.attempt('refs', { tag: `tag-${random.int(3)}` }),
  'move a branch': ({ foreign, random }) => foreign.attempt('refs', { branch: `branch-${random.int(3)}` }),
  'a property': ({ foreign, random }) => foreign.attempt('properties', { note: random.int(1_000) }),
  sort: ({ foreign, random }) => foreign.attempt('sort', { by: random.pick(['symbol', 'exchange']) }),
  'a column': async (loop) => {
    if (loop.columns === COLUMNS_MAX) return null
    const answer = await loop.foreign.attempt('schema', { add: `note_${loop.columns + 1}` })
    if (answer !== null) loop.columns++
    return answer
  },
  spec: async (loop) => {
    const change = loop.partitioned ? { remove: 'timestamp_day' } : { day: 'timestamp' }
    const answer = await loop.foreign.attempt('spec', change)
    if (answer !== null) loop.partitioned = !loop.partitioned
    return answer
  },
  hammer: ({ foreign }) => foreign.attempt('hammer', { ms: 500 }),
}
const COLUMNS_MAX = 5
/** Rare ones among the others. */
const names = Object.keys(actions).flatMap((name) =>
  /column|spec|hammer|sort/.test(name) ? [name] : [name, name, name],
)

export async function proveForeignLoopCostsNothing(plan: LoopPlan): Promise<void> {
  const seed = Number(process.env['K2_FOREIGN_SEED'] ?? Date.now() % 1_000_000)
  console.log(`foreign loop seed ${seed} (again with K2_FOREIGN_SEED=${seed})`)
  const place = placeIn(temporaryFolder())
  const feeder = new LogFeeder(place.log, 4)
  await feeder.feed(500)
  const run = ['run', ...place.words, '--workers', '1', '--commit-interval', '200ms']
  const first = await k2(...run, '--until-end')
  expect(first.code, first.err).toBe(0)
  const foreign = await ForeignWriter.start(place, 'market_data.trades_v2')
  const loop = { foreign, random: createRandom(seed), foreignRows: 0, columns: 0, partitioned: true }
  const done = new Map<string, number>()
  const ended = new AbortController()
  feeder.start(150, 250)
  try {
    const acting = actUntil(loop, ended.signal, done)
    // An action that fails ends the loop at once.
    const broken = acting.then(() => new Promise<never>(() => undefined))
    const lives = await Promise.race([liveThrough(run, plan, createRandom(seed + 1)), broken])
    ended.abort()
    await acting
    await feeder.stop()
    console.log(`${JSON.stringify(lives)}; done ${JSON.stringify(Object.fromEntries(done))}; ${feeder.fed} messages`)
    expect([...done.keys()].sort()).toEqual(Object.keys(actions).sort())
    expect(lives.commits).toBeGreaterThan(plan.ms / 2_000)
    await prove(place, run, feeder.fed, loop.foreignRows)
  } finally {
    ended.abort()
    await foreign.close()
  }
}

async function actUntil(loop: Loop, end: AbortSignal, done: Map<string, number>): Promise<void> {
  while (!end.aborted) {
    const name = loop.random.pick(names)
    const answer = await actions[name]?.(loop)
    if (answer !== null) done.set(name, (done.get(name) ?? 0) + 1)
    await sleep(loop.random.int(300))
  }
}

/** Lives of K2, one after the other, each but the last killed. */
async function liveThrough(run: readonly string[], plan: LoopPlan, random: Random) {
  const end = performance.now() + plan.ms
  let [kills, commits] = [0, 0]
  for (;;) {
    const life = startK2(run)
    const left = end - performance.now()
    const ms = Math.min(left, plan.killEveryMs / 2 + random.int(plan.killEveryMs))
    const how = await Promise.race([sleep(ms), life.ended])
    if (how !== undefined) throw new Error(`K2 ended by itself (${how.code}): ${how.err.slice(-4_000)}`)
    const isLast = ms === left
    life.kill(isLast ? 'SIGTERM' : 'SIGKILL')
    const { code, err } = await life.ended
    commits += commitsIn(err)
    if (isLast) {
      expect(code, err).toBe(0)
      return { kills, commits }
    }
    kills++
  }
}

async function prove(place: Place, run: readonly string[], messages: number, foreignRows: number): Promise<void> {
  const last = await k2(...run, '--until-end')
  expect(last.code, last.err).toBe(0)
  const { verdict, tables } = await verifyPlace(place)
  const none = { missing: 0, duplicate: 0, extra: 0, changed: 0, notYetCommitted: 0 }
  expect(tables[0], JSON.stringify(tables[0]?.examples)).toMatchObject({
    totals: { ...none, tableRows: messages },
    problems: [],
    foreignRows,
  })
  expect(verdict).toBe('equal')
}
