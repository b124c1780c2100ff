// A small seeded generator: the same seed is the same schedule on every machine.

export interface Random {
  /** Integer in [0, below). */
  int(below: number): number
  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean
  pick<T>(items: readonly T[]): T
}

/** xorshift32 after a multiplicative hash of the seed, so that neighbouring seeds have nothing in common. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  for (let warm = 0; warm < 4; warm++) next()
  const int = (below: number): number => next() % below
  return {
    int,
    chance: (percent) => next() % 100 < percent,
    pick: (items) => {
      const item = items[int(items.length)]
      if (item === undefined) throw new Error('nothing to pick from')
      return item
    },
  }
}
