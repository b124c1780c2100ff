// One schedule: a seed decides the log, the pods, the faults and their order; then the faults end, and one fresh pod must bring
// everything to its end, or stop by a name that what was done to the table makes right.
import type { Guards } from '../../src/shared/commit/guards.ts'
import { guards as allGuards } from '../../src/shared/commit/guards.ts'
import type { Failure } from '../../src/shared/errors.ts'
import { judge } from './judge.ts'
import { turn } from './pod.ts'
import { createPod, type Pod, type PodKind } from './pod-state.ts'
import type { Random } from './random.ts'
import { createRandom } from './random.ts'
import type { Damage, TableKey, World } from './world.ts'
import { createWorld, damage, expire, foreignCommit, land, lease, read, tell, violate } from './world.ts'

export interface Result {
  readonly seed: number
  /** DOUBLE, LOST, DANGLING, LATE_COPY, LANDED_AS_FENCED, READ_TWICE, CLOCK_BACK, STUCK, or STOP:<reason>. */
  readonly violation: string | null
  /** A stop that the damage makes right. */
  readonly stopped: boolean
  readonly trace: readonly string[]
}

interface Budget {
  crash: number
  timeout: number
  foreign: number
  expire: number
  damage: number
}

const damages: readonly Damage[] = [
  'rollback',
  'rollback',
  'rollback',
  'sweep',
  'sweep',
  'drop-tag',
  'replace',
  'drop-property',
  'restore-property',
]

export interface ScheduleOptions {
  readonly tell?: boolean
  /** Reads main before the side table (guard 6 taken out). */
  readonly mainFirst?: boolean
  /** More foreign commits, expiry and rollbacks than usual: for what only they can show. */
  readonly maintained?: boolean
  /** One pod, never crashing: only its own copies can be late. */
  readonly alone?: boolean
  /** Most records are control records, so that commits without rows are common. */
  readonly quiet?: boolean
  /** Rollback is the only damage. */
  readonly rollbacks?: boolean
  /** Retention overruns the table; nothing else is damaged. */
  readonly overrun?: boolean
  /** Pods expire snapshots, leases come and go, minutes pass. Otherwise in a quarter of the schedules. */
  readonly upkeep?: boolean
  /** One pod wakes seldom, among many dead letters. */
  readonly sleepy?: boolean
  /** Two pods beside the others replay dead letters. */
  readonly replays?: boolean
}

const rollbacksOnly: readonly Damage[] = ['rollback']
const damagesOf = ({ rollbacks, overrun }: ScheduleOptions): readonly Damage[] =>
  overrun === true ? ['retention'] : rollbacks === true ? rollbacksOnly : damages

/** Runs one schedule; with `tell` the trace says what happened, turn by turn. */
export function runSchedule(seed: number, given: Guards = allGuards, options: ScheduleOptions = {}): Result {
  const random = createRandom(seed)
  const kind: PodKind = {
    guards: { ...given, read: rememberedRead(given.read) },
    mainFirst: options.mainFirst === true,
  }
  const often = options.maintained === true
  const rollbacks = options.rollbacks === true
  const trace: string[] | null = options.tell === true ? [] : null
  const sleepy = options.sleepy === true
  const upkeep = options.upkeep ?? seed % 4 === 0
  const world = createWorld(random, trace, {
    lengthMax: sleepy || options.replays === true ? 10 : 5,
    quiet: options.quiet === true,
    upkeep,
  })
  const pods = (options.alone === true ? [0] : [0, 1]).map((number) =>
    createPod(world, `pod${number}`, kind, ownedBy(world, random)),
  )
  if (options.replays === true)
    for (const name of ['replay0', 'replay1']) pods.push(createPod(world, name, kind, [], true))
  const budget: Budget = {
    crash: options.alone === true ? 0 : random.int(3),
    timeout: random.int(5) + (rollbacks ? 5 : 0),
    foreign: random.chance(often ? 100 : 50) ? random.int(often ? 8 : 5) + (rollbacks ? 4 : 0) : 0,
    expire: random.chance(often ? 100 : 50) ? random.int(often ? 6 : 4) + (rollbacks ? 3 : 0) : 0,
    damage: random.chance(often ? 90 : 30) ? 1 + random.int(2) : 0,
  }
  const steps = (40 + random.int(80)) * (sleepy || options.replays === true ? 2 : 1)
  for (let at = 0; at < steps && world.violation === null; at++) act(world, pods, kind, budget, options)
  if (world.violation === null) heal(world, kind)
  return { seed, violation: world.violation, stopped: world.damage.size > 0, trace: trace ?? [] }
}

/** The read rule is pure and metadata is immutable: read once, not at every check. */
function rememberedRead(read: Guards['read']): Guards['read'] {
  const verdicts = new WeakMap<object, ReturnType<Guards['read']>>()
  return (metadata) => {
    const verdict = verdicts.get(metadata) ?? read(metadata)
    verdicts.set(metadata, verdict)
    return verdict
  }
}

/** Either may be a zombie: what they own may overlap. */
function ownedBy(world: World, random: Random): number[] {
  const all = world.fates.map((_, partition) => partition)
  return random.chance(70) ? all : [random.pick(all)]
}

function act(world: World, pods: Pod[], kind: PodKind, budget: Budget, options: ScheduleOptions): void {
  const { random } = world
  world.nowMs += random.int(500)
  const dice = random.int(100)
  if (dice < 62)
    turnOf(world, options.sleepy === true && random.chance(85) ? (pods[0] ?? random.pick(pods)) : random.pick(pods))
  else if (dice < 84) network(world, pods, budget)
  else if (dice < 88) crash(world, pods, kind, budget)
  else if (world.upkeep && random.chance(50)) passTime(world)
  else others(world, budget, damagesOf(options))
}

/** What upkeep meets: leases, readers, and its grace coming to an end. */
function passTime(world: World): void {
  const dice = world.random.int(10)
  if (dice < 4) lease(world)
  else if (dice < 8) read(world)
  else world.nowMs += 11 * 60_000
}

function turnOf(world: World, pod: Pod): void {
  turn(world, pod)
  if (pod.halted !== null) allowStop(world, pod.halted)
}

/** Something becomes of a request in flight, or of the patience of who sent it. */
function network(world: World, pods: readonly Pod[], budget: Budget): void {
  const { random } = world
  if (world.inFlight.length === 0) return
  const how = budget.timeout > 0 ? random.int(10) : 0
  if (how === 9) {
    const waiting = pods.find((pod) => pod.task.kind === 'wait')
    if (waiting?.task.kind !== 'wait') return
    budget.timeout--
    tell(world, () => `${waiting.name} gives up waiting`)
    waiting.task.giveUp()
    return
  }
  const at = random.int(world.inFlight.length)
  arrive(world, at, how)
  if (how > 4) budget.timeout--
}

/** `how`: up to 4 normal; 5, 6 the answer is lost; 7 the request is; 8 it is sent twice on its way. */
function arrive(world: World, at: number, how: number): void {
  const [request] = world.inFlight.splice(at, 1)
  if (request === undefined) return
  if (how === 7) {
    tell(world, () => `a request to ${request.table} is lost`)
    request.answer({ kind: 'unknown', reason: 'lost' })
    return
  }
  const first = land(world, request)
  const outcome = how === 8 ? land(world, request) : first
  tell(world, () => `a request to ${request.table} arrives: ${first.kind}${how > 4 ? ' (answer lost or doubled)' : ''}`)
  judge(world)
  request.answer(how === 5 || how === 6 ? { kind: 'unknown', reason: 'answer lost' } : outcome)
}

function crash(world: World, pods: Pod[], kind: PodKind, budget: Budget): void {
  if (budget.crash === 0) return
  budget.crash--
  const at = world.random.int(pods.length)
  tell(world, () => `pod${at} crashes and starts again`)
  const replays = pods[at]?.replays === true
  pods[at] = createPod(world, `pod${at}'`, kind, replays ? [] : ownedBy(world, world.random), replays)
}

function others(world: World, budget: Budget, kinds: readonly Damage[]): void {
  const { random } = world
  const table: TableKey = random.chance(80) ? 'main' : 'side'
  const dice = kinds === rollbacksOnly && random.chance(30) ? 9 : random.int(10)
  if (dice < 5 && budget.foreign > 0) {
    budget.foreign--
    tell(world, () => `foreign commit to ${table}`)
    foreignCommit(world, table)
  } else if (dice < 8 && budget.expire > 0) {
    budget.expire--
    tell(world, () => `expiry of ${table}`)
    expire(world, table)
  } else if (dice >= 8 && budget.damage > 0 && world.parents.main.size > 1) {
    budget.damage--
    const what = random.pick(kinds)
    tell(world, () => `damage: ${what}`)
    damage(world, what)
  } else return
  judge(world)
}

/** Reasons that a kind of damage makes right. */
const rightful: Readonly<Record<Damage, readonly string[]>> = {
  rollback: ['rolled-back', 'not-an-ancestor', 'rows-missing', 'commit-rolled-back'],
  replace: ['replaced', 'not-an-ancestor', 'rolled-back', 'commit-rolled-back'],
  'drop-property': ['marks-gone', 'none'],
  'restore-property': ['marks-overwritten'],
  'drop-tag': ['mark-expired'],
  sweep: ['UNCONFIRMED_MISSING'],
  retention: ['POSITION_OUT_OF_RANGE'],
}

function allowStop(world: World, { code, context }: Failure): void {
  const reason = code === 'POSITIONS_UNTRUSTED' ? String(context['reason']) : code
  if ([...world.damage].some((kind) => rightful[kind].includes(reason))) return
  violate(world, `STOP:${reason}`)
}

/** No more faults: what is in flight arrives or is lost, then one pod owns everything and must finish. */
function heal(world: World, kind: PodKind): void {
  while (world.inFlight.length > 0 && world.violation === null) arrive(world, 0, world.random.chance(50) ? 0 : 7)
  const pod = createPod(
    world,
    'last',
    kind,
    world.fates.map((_, partition) => partition),
  )
  for (let at = 0; at < 400 && world.violation === null; at++) {
    turnOf(world, pod)
    while (world.inFlight.length > 0) arrive(world, 0, 0)
    if (pod.halted !== null) return
    if (isDone(world, pod)) return
  }
  violate(world, 'STUCK')
}

function isDone(world: World, pod: Pod): boolean {
  if (pod.task.kind !== 'run') return false
  const read = [...pod.reads].every(
    ([partition, { first, next }]) => first === next && next === world.fates[partition]?.length,
  )
  const confirmed = pod.confirmed.get('main_table_dead_letters')
  return read && (pod.positions?.unconfirmed ?? []).every((entry) => confirmed?.has(entry.commit))
}

/** The first schedule of a series that ends in a violation, or null. */
export function findViolation(count: number, guards: Guards, options: ScheduleOptions = {}): Result | null {
  for (let seed = 0; seed < count; seed++) {
    const result = runSchedule(seed, guards, options)
    if (result.violation !== null) return result
  }
  return null
}
