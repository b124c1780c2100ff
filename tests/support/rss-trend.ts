// Whether the memory of a process grows steadily, from samples taken at equal intervals. Pure. The start is left out, where caches fill
// and code is compiled; what is left is cut into quarters, and growth is steady where the medians rise from each to the next.

export interface RssTrend {
  /** Medians of the quarters, MB. */
  readonly quarters: readonly number[]
  readonly isGrowing: boolean
}

const QUARTERS = 4
/** Of all samples: the first third is the start. */
const START_PART = 1 / 3
/** From the first quarter to the last: noise of the collector stays below. */
const GROWTH_MB_MIN = 24
const GROWTH_PART_MIN = 0.08

/** Fewer samples than 12 tell nothing: an error. */
export function rssTrend(samplesMb: readonly number[]): RssTrend {
  if (samplesMb.length < 3 * QUARTERS) throw new Error(`${samplesMb.length} samples of memory tell no trend`)
  const settled = samplesMb.slice(Math.floor(samplesMb.length * START_PART))
  const quarters = Array.from({ length: QUARTERS }, (_, index) => {
    const [first, next] = [index, index + 1].map((quarter) => Math.floor((quarter * settled.length) / QUARTERS))
    return median(settled.slice(first, next))
  })
  const [least = 0, most = 0] = [quarters[0], quarters.at(-1)]
  const rises = quarters.every((value, index) => index === 0 || value > (quarters[index - 1] ?? value))
  return { quarters, isGrowing: rises && most - least > Math.max(GROWTH_MB_MIN, GROWTH_PART_MIN * least) }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
