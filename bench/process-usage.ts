// CPU time and memory of a running process, from outside, by Linux's /proc: per thread, so that K2's main thread (its thread id is the
// process id) is told apart, and the broker's share from both. Invariant: threads that ended keep what they were last seen with.
import { readdirSync, readFileSync } from 'node:fs'

/** `CLK_TCK`: 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10
/** What a process uses between the last look and its end is not seen: some ms of its closing. */
const EVERY_MS = 100
const PAGE_MB = 4096 / 1048576

export interface UsageSample {
  /** Since 1970. */
  readonly atMs: number
  /** Since the process began, user and system. */
  readonly mainCpuMs: number
  readonly cpuMs: number
  readonly rssMb: number
}

export interface ProcessWatch {
  /** Ends the watch and returns all samples, oldest first; empty where there is no /proc. */
  stop(): readonly UsageSample[]
}

/** Looks at the process ten times a second. */
export function watchProcess(pid: number): ProcessWatch {
  const threads = new Map<string, number>()
  const samples: UsageSample[] = []
  const look = (): void => {
    const sample = sampleOf(pid, threads)
    if (sample !== null) samples.push(sample)
  }
  look()
  const timer = setInterval(look, EVERY_MS)
  return {
    stop: () => {
      clearInterval(timer)
      look()
      return samples
    },
  }
}

/** All CPU time of a process since it began, in µs; null where it is not there or this is no Linux. */
export function cpuUsOf(pid: number): number | null {
  const cpuMs = cpuMsIn(`/proc/${pid}/stat`)
  return cpuMs === null ? null : cpuMs * 1000
}

function sampleOf(pid: number, threads: Map<string, number>): UsageSample | null {
  const rssMb = rssMbOf(pid)
  if (rssMb === null) return null
  for (const thread of threadsOf(pid)) {
    const cpuMs = threadCpuMs(pid, thread)
    if (cpuMs !== null) threads.set(thread, cpuMs)
  }
  const cpuMs = [...threads.values()].reduce((sum, ms) => sum + ms, 0)
  return { atMs: Date.now(), mainCpuMs: threads.get(String(pid)) ?? 0, cpuMs, rssMb }
}

/** Of a thread that is no more, null. Nanoseconds where the kernel counts them, else ticks. */
function threadCpuMs(pid: number, thread: string): number | null {
  const exact = readOrNull(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0]
  return exact === undefined ? cpuMsIn(`/proc/${pid}/task/${thread}/stat`) : Number(exact) / 1e6
}

/** proc(5): utime and stime are fields 14 and 15; the name in field 2 may hold blanks and brackets. */
function cpuMsIn(path: string): number | null {
  const text = readOrNull(path)
  if (text === null) return null
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
}

function rssMbOf(pid: number): number | null {
  const pages = readOrNull(`/proc/${pid}/statm`)?.split(' ')[1]
  // A process that ended and was not waited for has no pages left.
  return pages === undefined || pages === '0' ? null : Number(pages) * PAGE_MB
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** CPU between two times, by the samples nearest to them; null where there are none. */
export function cpuBetween(
  samples: readonly UsageSample[],
  fromMs: number,
  toMs: number,
): { readonly wallMs: number; readonly cpuMs: number; readonly mainCpuMs: number } | null {
  const [from, to] = [nearest(samples, fromMs), nearest(samples, toMs)]
  if (from === null || to === null || to.atMs <= from.atMs) return null
  return { wallMs: to.atMs - from.atMs, cpuMs: to.cpuMs - from.cpuMs, mainCpuMs: to.mainCpuMs - from.mainCpuMs }
}

function nearest(samples: readonly UsageSample[], atMs: number): UsageSample | null {
  let best: UsageSample | null = null
  for (const sample of samples) {
    if (best === null || Math.abs(sample.atMs - atMs) < Math.abs(best.atMs - atMs)) best = sample
  }
  return best
}
