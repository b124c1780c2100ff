// What a figure of the bench is, and how one is measured: warm-up, then runs of the thing and of its reference in turn, so that
// whatever else the machine does meets both. Pure but for the clock. Invariant: a ratio above 1 is better than the reference.

/** A measured value with its unit, e.g. `msg/s`. */
export interface Measure {
  readonly value: number
  readonly unit: string
}

export interface Reference extends Measure {
  readonly name: string
}

/** A promise of the project, checked with every bench. */
export interface Gate {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly limit: number
  /** `min`: the value must reach the limit; `max`: it must not exceed it. */
  readonly kind: 'min' | 'max'
}

export const isKept = ({ kind, value, limit }: Gate): boolean => (kind === 'min' ? value >= limit : value <= limit)

/** What belongs to a figure and is neither compared nor promised. */
export interface Detail extends Measure {
  readonly name: string
}

/** For the HTML page: lines over `x`, or one bar a label. A null is a gap. */
export type Plot =
  | {
      readonly kind: 'lines'
      readonly title: string
      readonly xTitle: string
      readonly yTitle: string
      readonly x: readonly number[]
      readonly lines: readonly { readonly name: string; readonly y: readonly (number | null)[] }[]
    }
  | {
      readonly kind: 'bars'
      readonly title: string
      readonly unit: string
      readonly bars: readonly { readonly name: string; readonly value: number }[]
    }

export interface Figure extends Measure {
  readonly name: string
  /** Null where nothing measured beside it says whether the value is good; then its gates do. */
  readonly reference: Reference | null
  /** Null without a reference. */
  readonly ratio: number | null
  /** CPU time of user and system, all threads; null where no messages are moved. */
  readonly cpuUsPerMessage: number | null
  /** Highest resident memory of the process that was measured; null where that is more than one. */
  readonly rssMb: number | null
  /** The value of each run, in order. */
  readonly runs: readonly number[]
  readonly gates: readonly Gate[]
  readonly details?: readonly Detail[]
  readonly plots?: readonly Plot[]
}

/** A figure that this machine cannot give. Reported beside the others, so that it is missed. */
export interface Unmeasured {
  readonly name: string
  /** What is missing, and how it is got. */
  readonly unmeasured: string
}

export type Outcome = Figure | Unmeasured

export const isFigure = (outcome: Outcome): outcome is Figure => !('unmeasured' in outcome)

export interface BenchOptions {
  /** Repository: where `dist`, `schemas` and `package.json` are. */
  readonly root: string
  /** Folder for temporary data, shared by the figures of one bench. */
  readonly folder: string
  readonly messages: number
  readonly runs: number
  /** Of the figures that watch a process for a while. */
  readonly minutes: number
}

/** One bench measures one figure, or a few that belong together. Its process runs on the Node that K2 is measured on. */
export type Bench = (options: BenchOptions) => Promise<readonly Outcome[]>

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export interface Pair {
  /** Ms of each run of the thing measured, and of its reference. */
  readonly valueMs: readonly number[]
  readonly referenceMs: readonly number[]
  /** CPU time of the runs of the thing measured, all together, and of those of its reference. */
  readonly cpuUs: number
  readonly referenceCpuUs: number
}

type Work = () => unknown

/** Runs both in turn: a few times to get warm, then `runs` times each, timed. */
export async function measurePair(runs: number, value: Work, reference: Work, warmUps = 3): Promise<Pair> {
  for (let count = 0; count < warmUps; count++) {
    await value()
    await reference()
  }
  const valueMs: number[] = []
  const referenceMs: number[] = []
  let [cpuUs, referenceCpuUs] = [0, 0]
  for (let count = 0; count < runs; count++) {
    const beforeValue = process.cpuUsage()
    valueMs.push(await timed(value))
    cpuUs += cpuUsSince(beforeValue)
    const beforeReference = process.cpuUsage()
    referenceMs.push(await timed(reference))
    referenceCpuUs += cpuUsSince(beforeReference)
  }
  return { valueMs, referenceMs, cpuUs, referenceCpuUs }
}

function cpuUsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** What a busy machine hardly moves. Above 1 is better than the reference, as every ratio. */
const cpuDetails = ({ cpuUs, referenceCpuUs }: Pair): readonly Detail[] =>
  cpuUs === 0 ? [] : [{ name: 'ratio by CPU time', value: referenceCpuUs / cpuUs, unit: '×' }]

export async function timed(work: Work): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

export const rssMbMax = (): number => Math.round(process.resourceUsage().maxRSS / 1024)

export interface RateFigure {
  readonly name: string
  readonly unit: string
  /** What one run gets done, in units per second when divided by its seconds: records, or megabytes. */
  readonly amount: number
  readonly records: number
  readonly referenceName: string
  readonly pair: Pair
}

/** A figure where more is better: amount per second. */
export function rateFigure({ name, unit, amount, records, referenceName, pair }: RateFigure): Figure {
  const perSecond = (ms: number): number => (amount * 1000) / ms
  const value = perSecond(median(pair.valueMs))
  const reference = perSecond(median(pair.referenceMs))
  return {
    name,
    value,
    unit,
    reference: { name: referenceName, value: reference, unit },
    ratio: value / reference,
    cpuUsPerMessage: pair.cpuUs / pair.valueMs.length / records,
    rssMb: rssMbMax(),
    runs: pair.valueMs.map(perSecond),
    gates: [],
    details: cpuDetails(pair),
  }
}

export interface TimeFigure {
  readonly name: string
  readonly unit: string
  /** Units of time per millisecond and item: 1e6 / records for ns a record. */
  readonly scale: number
  readonly records: number | null
  readonly referenceName: string
  readonly pair: Pair
}

/** A figure where less is better: time per item. */
export function timeFigure({ name, unit, scale, records, referenceName, pair }: TimeFigure): Figure {
  const value = median(pair.valueMs) * scale
  const reference = median(pair.referenceMs) * scale
  return {
    name,
    value,
    unit,
    reference: { name: referenceName, value: reference, unit },
    ratio: reference / value,
    cpuUsPerMessage: records === null ? null : pair.cpuUs / pair.valueMs.length / records,
    rssMb: rssMbMax(),
    runs: pair.valueMs.map((ms) => ms * scale),
    gates: [],
    details: cpuDetails(pair),
  }
}
