import { expect, it } from 'vitest'
import { runSchedule } from './schedule.ts'

/** K2_SCHEDULES: how many; K2_SEED: one schedule, told turn by turn. */
const count = Number(process.env['K2_SCHEDULES'] ?? 20_000)
const firstSeed = Number(process.env['K2_FIRST_SEED'] ?? 0)
const only = process.env['K2_SEED']

const manySchedules = (): void => {
  const failed: string[] = []
  const begun = performance.now()
  let stops = 0
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const { violation, stopped } = runSchedule(seed)
    if (violation !== null) failed.push(`K2_SEED=${seed} ${violation}`)
    if (stopped) stops++
  }
  const seconds = (performance.now() - begun) / 1000
  console.log(`${count} schedules, ${stops} of them damaged, ${Math.round(count / seconds)} schedules/s`)
  expect(failed.slice(0, 20)).toEqual([])
}

/** The one that K2_SEED names, told step by step. */
const oneSchedule = (): void => {
  const { violation, trace } = runSchedule(Number(only), undefined, { tell: true })
  console.log([...trace, violation ?? 'no violation'].join('\n'))
  expect(violation).toBeNull()
}

it(
  `${only === undefined ? count : 1} schedules of crashes, lost and late answers, zombies, foreign commits, expiry and damage end exactly once or in a right stop`,
  only === undefined ? manySchedules : oneSchedule,
  3_600_000,
)

it('a seed is one schedule: run again, it is the same', () => {
  const first = runSchedule(4711, undefined, { tell: true })
  expect(first.trace.length).toBeGreaterThan(20)
  expect(runSchedule(4711, undefined, { tell: true }).trace).toEqual(first.trace)
})
