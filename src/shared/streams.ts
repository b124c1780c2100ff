// The two combinators every route is made of: `chunk` cuts a stream by limits, `mapInOrder` works in parallel and delivers in
// input order. Any thread. Pull is the backpressure: each holds a bounded number of items. A failure comes after the results of
// everything before it, so that what was read before a bad place is still committed.

/** Amounts of one item in each limited dimension, in the order of `ChunkLimits.sizesMax`. */
export type Sizes = readonly number[]

export interface ChunkLimits {
  /** No chunk exceeds any of these, unless a single item does that cannot be split. */
  readonly sizesMax: Sizes
  /** A chunk is cut this long after its first item, whatever its size. */
  readonly ageMsMax: number
  /** Other limits for the first chunk of the stream, where something should be seen soon. */
  readonly first?: Pick<ChunkLimits, 'sizesMax' | 'ageMsMax'>
}

/** How `chunk` measures items and, where it can, cuts one in two. */
export interface ChunkItems<T> {
  sizeOf(item: T): Sizes
  /** Head that fits `room` (at least some progress) and the rest; null where the item cannot be cut there. */
  split?(item: T, room: Sizes): readonly [head: T, rest: T] | null
}

/**
 * Cuts a stream into arrays of items by sizes or age. Holds one chunk and one item read ahead. When the input fails, the
 * items before the failure are yielded first.
 */
export async function* chunk<T>(
  input: AsyncIterable<T>,
  limits: ChunkLimits,
  items: ChunkItems<T>,
): AsyncGenerator<T[], void, undefined> {
  const iterator = input[Symbol.asyncIterator]()
  let pending = ahead(iterator)
  let held = emptyHold<T>()
  let { sizesMax, ageMsMax } = limits.first ?? limits
  const cut = (): T[] => {
    const { items: cutItems } = held
    held = emptyHold()
    sizesMax = limits.sizesMax
    ageMsMax = limits.ageMsMax
    return cutItems
  }
  try {
    for (;;) {
      const step = await nextOrAge(pending, held.items.length === 0 ? Number.POSITIVE_INFINITY : held.deadlineMs)
      if (step.kind === 'aged') {
        yield cut()
        continue
      }
      if (step.kind !== 'item') {
        if (held.items.length > 0) yield cut()
        if (step.kind === 'failed') throw step.error
        return
      }
      pending = ahead(iterator)
      let rest: T | null = step.item
      while (rest !== null) {
        const [head, tail]: readonly [T | null, T | null] = place(rest, held, sizesMax, items)
        if (head !== null) add(held, head, items.sizeOf(head), ageMsMax)
        if (tail !== null || isFull(held, sizesMax)) yield cut()
        rest = tail
      }
    }
  } finally {
    // Not awaited: a quiet input would hold up the end of the line. Whoever owns the source aborts it.
    void iterator.return?.().catch(() => undefined)
  }
}

interface Hold<T> {
  items: T[]
  sizes: number[]
  deadlineMs: number
}
const emptyHold = <T>(): Hold<T> => ({ items: [], sizes: [], deadlineMs: Number.POSITIVE_INFINITY })

function add<T>(held: Hold<T>, item: T, sizes: Sizes, ageMsMax: number): void {
  if (held.items.length === 0) held.deadlineMs = performance.now() + ageMsMax
  held.items.push(item)
  held.sizes = sizes.map((size, at) => size + (held.sizes[at] ?? 0))
}

const isFull = (held: Hold<unknown>, sizesMax: Sizes): boolean =>
  sizesMax.some((max, at) => (held.sizes[at] ?? 0) >= max)

/** What of an item goes into the chunk held now, and what must wait for the next one. */
function place<T>(
  item: T,
  held: Hold<T>,
  sizesMax: Sizes,
  items: ChunkItems<T>,
): readonly [head: T | null, rest: T | null] {
  const sizes = items.sizeOf(item)
  const room = sizesMax.map((max, at) => max - (held.sizes[at] ?? 0))
  if (sizes.every((size, at) => size <= (room[at] ?? 0))) return [item, null]
  const parts = items.split?.(item, room) ?? null
  if (parts !== null) return parts
  return held.items.length === 0 ? [item, null] : [null, item]
}

type Ahead<T> =
  | { readonly kind: 'item'; readonly item: T }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly error: unknown }
type Step<T> = Ahead<T> | { readonly kind: 'aged' }

/** The next item as data, so that a failure waiting here is never an unhandled rejection. */
function ahead<T>(iterator: AsyncIterator<T>): Promise<Ahead<T>> {
  return iterator.next().then(
    (step): Ahead<T> => (step.done === true ? { kind: 'end' } : { kind: 'item', item: step.value }),
    (error: unknown): Ahead<T> => ({ kind: 'failed', error }),
  )
}

function nextOrAge<T>(pending: Promise<Ahead<T>>, deadlineMs: number): Promise<Step<T>> {
  if (deadlineMs === Number.POSITIVE_INFINITY) return pending
  const waitMs = deadlineMs - performance.now()
  // Decided here, not by a timer of 0 ms: an input that always has an item ready would win that race for ever.
  if (waitMs <= 0) return Promise.resolve({ kind: 'aged' })
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: 'aged' }), waitMs)
    void pending.then((step) => {
      clearTimeout(timer)
      resolve(step)
    })
  })
}

/**
 * Runs `work` on up to `windowMax` items at once and yields the results in input order. Dispatch and delivery are two loops:
 * a window of promises inside one `for await` would stall on a quiet input with results already done.
 */
export async function* mapInOrder<A, B>(
  input: AsyncIterable<A>,
  work: (item: A) => Promise<B>,
  windowMax: number,
): AsyncGenerator<B, void, undefined> {
  const iterator = input[Symbol.asyncIterator]()
  const queue: Promise<Ahead<B>>[] = []
  const changed = new Bell()
  let open = true

  const dispatch = async (): Promise<void> => {
    while (open) {
      const step = await ahead(iterator)
      if (step.kind !== 'item') {
        queue.push(Promise.resolve(step))
        changed.ring()
        return
      }
      while (open && queue.length >= windowMax) await changed.wait()
      if (!open) return
      queue.push(settled(work, step.item))
      changed.ring()
    }
  }
  void dispatch()

  try {
    for (;;) {
      const head = queue[0]
      if (head === undefined) {
        await changed.wait()
        continue
      }
      const result = await head
      if (result.kind === 'failed') throw result.error
      if (result.kind === 'end') return
      queue.shift()
      changed.ring()
      yield result.item
    }
  } finally {
    open = false
    changed.ring()
    void iterator.return?.().catch(() => undefined)
  }
}

function settled<A, B>(work: (item: A) => Promise<B>, item: A): Promise<Ahead<B>> {
  return work(item).then(
    (result): Ahead<B> => ({ kind: 'item', item: result }),
    (error: unknown): Ahead<B> => ({ kind: 'failed', error }),
  )
}

/** Wakes everyone who waits; a ring with nobody waiting is forgotten, so waiters check their condition first. */
class Bell {
  #waiters: (() => void)[] = []

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  ring(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }
}
