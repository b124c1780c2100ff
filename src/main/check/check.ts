// One line of `k2 run --check`: what was probed, and what came of it. Main thread. Invariant: a probe never throws what the world can
// do, so that all problems are shown at once.
import { errorTable, IngestError } from '../../shared/errors.ts'

export interface Check {
  readonly name: string
  /** `unknown`: it cannot be probed, or not before another problem is solved. */
  readonly verdict: 'ok' | 'failed' | 'unknown'
  /** What was found, or what is wrong. */
  readonly found: string
  /** What to do; empty where there is nothing to do. */
  readonly help: string
}

export const okay = (name: string, found: string): Check => ({ name, verdict: 'ok', found, help: '' })
export const unknown = (name: string, found: string): Check => ({ name, verdict: 'unknown', found, help: '' })
export const failed = (name: string, found: string, help: string): Check => ({ name, verdict: 'failed', found, help })

/** What a probe brought: its check, and its answer for those that build on it. */
export interface Probed<T> {
  readonly check: Check
  /** Null where it failed. */
  readonly value: T | null
}

export async function probe<T>(name: string, ask: () => Promise<T>, say: (value: T) => string): Promise<Probed<T>> {
  try {
    const value = await ask()
    return { check: okay(name, say(value)), value }
  } catch (error) {
    return { check: failure(name, error), value: null }
  }
}

/** An error as a failed check. A bug is thrown on. */
export function failure(name: string, error: unknown): Check {
  if (!(error instanceof IngestError)) throw error
  const { code, context, cause } = error
  const { text, help } = errorTable[code]
  const where = Object.entries(context).map(([key, value]) => `${key}=${value}`)
  const why = cause instanceof Error && cause.message !== '' ? [cause.message] : []
  const place = [...where, ...why].join(' ')
  return failed(name, `${code}: ${text}${place === '' ? '' : ` (${place})`}`, help)
}
