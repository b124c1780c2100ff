// A run that is killed with SIGKILL again and again, at random moments of its life, then left to end.
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, type Random } from '../simulation/random.ts'
import { commitsIn, type K2Ended, type K2Process, startK2 } from './k2-process.ts'

export interface KillPlan {
  /** Of `k2 run`, throttled so that it outlives the kills. */
  readonly words: readonly string[]
  readonly count: number
  readonly seed: number
  /** Half of the moments are drawn from here: ms after the start of the process. */
  readonly lifeMsMax: number
  /** The other half: ms after one of its commits. */
  readonly afterCommitMsMax: number
}

export interface KilledRun {
  /** Kills that met a life which had not committed anything yet, and those that met one which had. */
  readonly early: number
  readonly late: number
  /** Lives that ended by themselves before their kill: 0, or the plan does not do what it says. */
  readonly missed: number
  readonly last: K2Ended
}

export async function runThroughKills(plan: KillPlan): Promise<KilledRun> {
  const random = createRandom(plan.seed)
  let [early, late, missed] = [0, 0, 0]
  for (let life = 0; life < plan.count; life++) {
    const process = startK2(plan.words)
    await killMoment(process, life, plan, random)
    const isMissed = process.hasEnded()
    process.kill('SIGKILL')
    const { err, code } = await process.ended
    if (isMissed && code !== 0) throw new Error(`life ${life} of seed ${plan.seed} failed by itself: ${err}`)
    if (isMissed) missed++
    else if (commitsIn(err) === 0) early++
    else late++
  }
  return { early, late, missed, last: await startK2(plan.words).ended }
}

async function killMoment(process: K2Process, life: number, plan: KillPlan, random: Random): Promise<void> {
  if (life % 2 === 0) {
    await Promise.race([sleep(random.int(plan.lifeMsMax)), process.ended])
    return
  }
  await process.wrote('Iceberg transaction committed', 1 + random.int(4))
  await Promise.race([sleep(random.int(plan.afterCommitMsMax)), process.ended])
}
