// Definition and repetition levels (Dremel; Parquet's README, "Nested Encoding"): from the validity bitmaps and offsets of a column
// tree to the entries of its leaves. Encode worker. Invariant: an entry of a leaf is a value, or says at which level it ends; the
// entries of a row begin with repetition level 0.
import { isPresent } from '../columns/validity.ts'
import { Int32Scratch } from './scratch.ts'

/**
 * Entries at one place of the tree. Entry i stands for value `positions[i]` of the column there, or, where that is negative, ends
 * above it, at definition level ~positions[i]. `positions` null: every entry is there, for values `first`, `first + 1`, ….
 */
export interface Entries {
  readonly count: number
  readonly positions: Int32Array | null
  readonly first: number
  /** Definition level of the entries that are there. */
  readonly level: number
  /** Null: every entry is a row. */
  readonly repetitions: Int32Array | null
  readonly repetitionLevel: number
}

/** Working memory of one depth of the tree. */
interface DepthMemory {
  readonly positions: Int32Scratch
  readonly repetitions: Int32Scratch
}
const depths: DepthMemory[] = []
function memoryAt(depth: number): DepthMemory {
  const memory = depths[depth] ?? { positions: new Int32Scratch(), repetitions: new Int32Scratch() }
  depths[depth] = memory
  return memory
}

/** Rows [first, first + count) of a batch. */
export const rowEntries = (first: number, count: number): Entries => ({
  count,
  positions: null,
  first,
  level: 0,
  repetitions: null,
  repetitionLevel: 0,
})

/** Through an optional field. `depth` numbers the steps from the root: each has memory of its own. */
export function throughOptional(entries: Entries, validity: Uint8Array | null, depth: number): Entries {
  const { count, first, level } = entries
  const below = { ...entries, level: level + 1 }
  if (validity === null || (entries.positions === null && allPresent(validity, first, count))) return below
  const positions = memoryAt(depth).positions.take(count)
  if (entries.positions === null) {
    for (let index = 0; index < count; index++)
      positions[index] = isPresent(validity, first + index) ? first + index : ~level
  } else {
    for (let index = 0; index < count; index++) {
      const position = entries.positions[index] as number
      positions[index] = position < 0 || isPresent(validity, position) ? position : ~level
    }
  }
  return { ...below, positions }
}

function allPresent(validity: Uint8Array, first: number, count: number): boolean {
  const end = first + count
  let at = first
  for (; at < end && (at & 7) !== 0; at++) if (!isPresent(validity, at)) return false
  for (; at + 8 <= end; at += 8) if (validity[at >> 3] !== 255) return false
  for (; at < end; at++) if (!isPresent(validity, at)) return false
  return true
}

/** Through the repeated level of a list or map: an entry per element, and one for each list without any. */
export function throughRepeated(entries: Entries, offsets: Int32Array, depth: number): Entries {
  const { count, first, level } = entries
  const repetitionLevel = entries.repetitionLevel + 1
  const total = repeatedCount(entries, offsets)
  const memory = memoryAt(depth)
  const positions = memory.positions.take(total)
  const repetitions = memory.repetitions.take(total)
  let at = 0
  for (let index = 0; index < count; index++) {
    const position = entries.positions === null ? first + index : (entries.positions[index] as number)
    const start = position < 0 ? 0 : (offsets[position] as number)
    const end = position < 0 ? 0 : (offsets[position + 1] as number)
    repetitions[at] = entries.repetitions === null ? 0 : (entries.repetitions[index] as number)
    if (start === end) {
      positions[at++] = position < 0 ? position : ~level
      continue
    }
    positions[at++] = start
    for (let element = start + 1; element < end; element++) {
      repetitions[at] = repetitionLevel
      positions[at++] = element
    }
  }
  return { count: total, positions, first: 0, level: level + 1, repetitions, repetitionLevel }
}

function repeatedCount({ count, positions, first }: Entries, offsets: Int32Array): number {
  let total = 0
  for (let index = 0; index < count; index++) {
    const position = positions === null ? first + index : (positions[index] as number)
    const length = position < 0 ? 0 : (offsets[position + 1] as number) - (offsets[position] as number)
    total += length === 0 ? 1 : length
  }
  return total
}

const presentMemory = new Int32Scratch()
const definitionMemory = new Int32Scratch()

/** The entries of a leaf, ready to be written. */
export interface LeafEntries {
  readonly count: number
  /** Null: every entry is a value. */
  readonly definitions: Int32Array | null
  readonly definitionMax: number
  readonly repetitions: Int32Array | null
  readonly repetitionMax: number
  /** Values that are there: at `positions`, or from `first` on where that is null. */
  readonly presentCount: number
  readonly positions: Int32Array | null
  readonly first: number
}

/** Key and value of a map have the same entries. */
const latest: { entries: Entries | null; leaf: LeafEntries | null } = { entries: null, leaf: null }

/** Valid until the next call for other entries. */
export function leafEntries(entries: Entries): LeafEntries {
  const leaf = latest.entries === entries && latest.leaf !== null ? latest.leaf : countedEntries(entries)
  latest.entries = entries
  latest.leaf = leaf
  return leaf
}

function countedEntries(entries: Entries): LeafEntries {
  const { count, repetitions, level: definitionMax, repetitionLevel: repetitionMax } = entries
  const common = { count, definitionMax, repetitions, repetitionMax }
  if (entries.positions === null) {
    return { ...common, definitions: null, presentCount: count, positions: null, first: entries.first }
  }
  const definitions = definitionMemory.take(count)
  const positions = presentMemory.take(count)
  let present = 0
  for (let index = 0; index < count; index++) {
    const position = entries.positions[index] as number
    if (position < 0) definitions[index] = ~position
    else {
      definitions[index] = definitionMax
      positions[present++] = position
    }
  }
  const first = present === 0 ? 0 : (positions[0] as number)
  const isGapless = present === 0 || (positions[present - 1] as number) - first + 1 === present
  return {
    ...common,
    definitions: present === count ? null : definitions,
    presentCount: present,
    positions: isGapless ? null : positions,
    first,
  }
}
