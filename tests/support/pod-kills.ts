// kill -9 and stops beyond the session at random moments among pods of one group, under load: nothing is missing or double afterwards.
// One proof in two sizes: tests/integration/pods.test.ts and tests/full/kafka-kill.test.ts.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { createRandom, type Random } from '../simulation/random.ts'
import { type PodLine, Pods, produceUntil, proveAll } from './pods.ts'

export interface PodKillPlan {
  readonly pods: number
  readonly kills: number
  /** SIGSTOP, and SIGCONT once the session is over. */
  readonly stops: number
  readonly perSecond: number
  /** Kills come so long after the one before at most, or after a commit of the one that is killed. */
  readonly gapMsMax: number
}

const SESSION_MS = 6_000
const COMMITTED = 'Iceberg transaction committed'

/** Resolves to what was done, for the log. */
export async function provePodKills(line: PodLine, plan: PodKillPlan): Promise<string> {
  const seed = Number(process.env['K2_KILL_SEED'] ?? Date.now() % 1_000_000)
  console.log(`pod kill seed ${seed} (again with K2_KILL_SEED=${seed})`)
  const random = createRandom(seed)
  const stop = new AbortController()
  const producing = produceUntil(line, plan.perSecond, stop.signal)
  const limits = ['--session-timeout', `${SESSION_MS}ms`, '--commit-interval', '200ms', '--chunk-rows', '500']
  const pods = new Pods([...line.words, ...limits])
  for (let place = 0; place < plan.pods; place++) pods.start(place)
  await Promise.all(pods.places.map((place) => pods.at(place).wrote(COMMITTED)))
  const asleep = new Set<number>()
  const [kills, stops] = await Promise.all([
    killSome(pods, plan, random, asleep),
    stopSome(pods, plan, createRandom(seed + 1), asleep),
  ])
  stop.abort()
  const produced = await producing
  await pods.endAll()
  await proveAll(line, produced)
  // Else the kills met nothing.
  expect(kills.late).toBeGreaterThan(0)
  return `${kills.early + kills.late} kills (${kills.late} after a first commit), ${stops} stops, ${produced} rows`
}

/** Kills and starts again. */
async function killSome(
  pods: Pods,
  { kills, gapMsMax }: PodKillPlan,
  random: Random,
  asleep: ReadonlySet<number>,
): Promise<{ early: number; late: number }> {
  let late = 0
  for (let count = 0; count < kills; count++) {
    await sleep(random.int(gapMsMax))
    const place = random.pick(pods.places.filter((each) => !asleep.has(each)))
    const pod = pods.at(place)
    if (count % 2 === 1) await Promise.race([pod.wrote(COMMITTED, pod.commits() + 1), sleep(gapMsMax)])
    if (pod.commits() > 0) late++
    await pods.end(place, 'SIGKILL')
    pods.start(place)
  }
  return { early: kills - late, late }
}

/** One at a time, so that somebody is always awake. */
async function stopSome(pods: Pods, { stops }: PodKillPlan, random: Random, asleep: Set<number>): Promise<number> {
  let evicted = 0
  while (evicted < stops) {
    await sleep(random.int(1_000))
    const place = random.pick(pods.places)
    const pod = pods.at(place)
    // One that has never read has nothing to be late with.
    if (pod.commits() === 0) continue
    asleep.add(place)
    pod.kill('SIGSTOP')
    await sleep(SESSION_MS + 1_000 + random.int(3_000))
    // Unless it was about to be killed when it was put to sleep.
    if (!pod.hasEnded()) evicted++
    pod.kill('SIGCONT')
    asleep.delete(place)
  }
  return evicted
}
