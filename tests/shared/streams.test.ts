import { describe, expect, it } from 'vitest'
import { type ChunkItems, chunk, mapInOrder } from '../../src/shared/streams.ts'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function* from<T>(items: readonly T[], gapMs = 0): AsyncGenerator<T> {
  for (const item of items) {
    if (gapMs > 0) await sleep(gapMs)
    yield item
  }
}
async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of stream) all.push(item)
  return all
}
/** Numbers that stand for runs of that many records and can be cut anywhere. */
const runs: ChunkItems<number> = {
  sizeOf: (n) => [n],
  split: (n, [room = 0]) => (room > 0 ? [room, n - room] : null),
}
const whole: ChunkItems<number> = { sizeOf: (n) => [n] }

describe('chunk', () => {
  it('cuts exactly at the limit by splitting items', async () => {
    const chunks = await collect(chunk(from([7, 1, 12, 3]), { sizesMax: [5], ageMsMax: 1e6 }, runs))
    expect(chunks).toEqual([[5], [2, 1, 2], [5], [5], [3]])
  })
  it('never exceeds a limit with items it cannot split, but passes a single one that is too large', async () => {
    const chunks = await collect(chunk(from([3, 3, 9, 1, 4, 1]), { sizesMax: [5], ageMsMax: 1e6 }, whole))
    expect(chunks).toEqual([[3], [3], [9], [1, 4], [1]])
  })
  it('cuts by age while the input is quiet', async () => {
    async function* quiet(): AsyncGenerator<number> {
      yield 1
      yield 2
      await sleep(120)
      yield 3
    }
    const chunks = await collect(chunk(quiet(), { sizesMax: [100], ageMsMax: 30 }, whole))
    expect(chunks).toEqual([[1, 2], [3]])
  })
  it('cuts by age also when the input always has an item ready', async () => {
    const until = performance.now() + 60
    async function* busy(): AsyncGenerator<number> {
      while (performance.now() < until) yield 1
    }
    const chunks = await collect(chunk(busy(), { sizesMax: [1e12], ageMsMax: 10 }, whole))
    expect(chunks.length).toBeGreaterThanOrEqual(3)
  })
  it('cuts the first chunk sooner where that is asked for', async () => {
    async function* slow(): AsyncGenerator<number> {
      yield 1
      await sleep(60)
      yield 2
      await sleep(60)
      yield 3
    }
    const chunks = await collect(
      chunk(slow(), { sizesMax: [100], ageMsMax: 1e6, first: { sizesMax: [100], ageMsMax: 20 } }, whole),
    )
    expect(chunks).toEqual([[1], [2, 3]])
  })
  it('makes the first chunk smaller where that is asked for', async () => {
    const limits = { sizesMax: [5], ageMsMax: 1e6, first: { sizesMax: [2], ageMsMax: 1e6 } }
    expect(await collect(chunk(from([9, 3]), limits, runs))).toEqual([[2], [5], [2, 3]])
  })
  it('yields what came before a failure, then fails', async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1
      throw new Error('disk')
    }
    const seen: number[][] = []
    const read = async (): Promise<void> => {
      for await (const items of chunk(broken(), { sizesMax: [9], ageMsMax: 1e6 }, whole)) seen.push(items)
    }
    await expect(read()).rejects.toThrow('disk')
    expect(seen).toEqual([[1]])
  })
})

describe('mapInOrder', () => {
  it('delivers in input order whatever finishes first, within its window', async () => {
    let running = 0
    let runningMax = 0
    const work = async (n: number): Promise<number> => {
      running++
      runningMax = Math.max(runningMax, running)
      await sleep(n % 3 === 0 ? 20 : 1)
      running--
      return n * 10
    }
    const input = Array.from({ length: 20 }, (_, n) => n)
    expect(await collect(mapInOrder(from(input), work, 4))).toEqual(input.map((n) => n * 10))
    expect(runningMax).toBe(4)
  })
  it('delivers finished results while the input is quiet', async () => {
    let release: () => void = () => undefined
    async function* quiet(): AsyncGenerator<number> {
      yield 1
      await new Promise<void>((resolve) => {
        release = resolve
      })
    }
    const results = mapInOrder(quiet(), async (n) => n + 1, 4)
    expect(await results.next()).toEqual({ done: false, value: 2 })
    release()
    expect((await results.next()).done).toBe(true)
  })
  it('fails at once when work fails on a quiet input', async () => {
    async function* quiet(): AsyncGenerator<number> {
      yield 1
      await new Promise<void>(() => undefined)
    }
    const results = mapInOrder(
      quiet(),
      async () => {
        throw new Error('bad chunk')
      },
      4,
    )
    await expect(results.next()).rejects.toThrow('bad chunk')
  })
  it('delivers the results before a failure first', async () => {
    const seen: number[] = []
    const read = async (): Promise<void> => {
      const work = async (n: number): Promise<number> => {
        if (n === 3) throw new Error('third')
        await sleep(10)
        return n
      }
      for await (const n of mapInOrder(from([1, 2, 3, 4]), work, 4)) seen.push(n)
    }
    await expect(read()).rejects.toThrow('third')
    expect(seen).toEqual([1, 2])
  })
  it('stops reading its input once its reader has gone', async () => {
    let pulled = 0
    async function* counting(): AsyncGenerator<number> {
      for (;;) yield pulled++
    }
    for await (const n of mapInOrder(counting(), async (item) => item, 2)) if (n === 5) break
    const pulledThen = pulled
    await sleep(20)
    expect(pulled).toBe(pulledThen)
  })
})
