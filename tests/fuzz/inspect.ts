// One input judged within its bounds. The bounds are the product's promise for one hostile record: 100 ms, 64 MB.
import type { Target } from './targets.ts'

const MS_MAX = 100
const BYTES_MAX = 64 * 1024 * 1024
/** A machine that is busy makes anything slow once. */
const SLOW_TRIES = 4

/** What is wrong with how the input was taken; null: nothing. */
export async function inspect(target: Target, input: Uint8Array): Promise<string | null> {
  let msLeast = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < SLOW_TRIES && msLeast > MS_MAX; tries++) {
    const before = heldBytes()
    const startMs = performance.now()
    try {
      await target.judge(input)
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
    msLeast = Math.min(msLeast, performance.now() - startMs)
    const bytes = heldBytes() - before
    if (bytes > BYTES_MAX) return `took ${bytes} bytes`
  }
  return msLeast > MS_MAX ? `took ${Math.round(msLeast)} ms` : null
}

function heldBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
