// 128-bit hashes of rows: four 32-bit lanes with multipliers of their own, mixed into each other at the end of every value.
// A row's hash is the sum of its values' hashes (columns may come in any order), then a mix of that sum (`finish`), so that
// values exchanged between two rows do not cancel out when rows are summed up. Hot: no objects, no strings, no BigInt.
import type { Place, ValueSink } from './value-sink.ts'

/** Int32 words of one hash. */
export const laneCount = 4

const tag = { present: 1, item: 2, integer: 3, real: 4, decimal: 5, bytes: 6 } as const

/** One round of a lane: `multiplier` is the lane's own. */
const word = (lane: number, value: number, multiplier: number): number => {
  const mixed = Math.imul(value, multiplier)
  lane ^= (mixed << 15) | (mixed >>> 17)
  return (Math.imul((lane << 13) | (lane >>> 19), 5) + 0x561ccd1b) | 0
}
const wordA = (lane: number, value: number): number => word(lane, value, 0x239b961b)
const wordB = (lane: number, value: number): number => word(lane, value, 0xab0e9789)
const wordC = (lane: number, value: number): number => word(lane, value, 0x38b34ae5)
const wordD = (lane: number, value: number): number => word(lane, value, 0xa1e38b93)

/** Two seeds of a value, from its field, place and kind; the other two lanes start from these. */
const seedOne = (id: number, place: number, kind: number): number =>
  Math.imul(Math.imul(id, 0x9e3779b1) ^ place, 0x85ebca6b) ^ kind
const seedTwo = (id: number, place: number, kind: number): number =>
  (Math.imul(Math.imul(place, 0xc2b2ae3d) + id, 0x27d4eb2f) + Math.imul(kind, 0x165667b1)) | 0
const seedC = 0x7f4a7c15
const seedD = 0x2c1b3c6d

/** Finalizer of MurmurHash3: every input bit reaches every output bit. */
const spread = (lane: number): number => {
  lane = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b)
  lane = Math.imul(lane ^ (lane >>> 13), 0xc2b2ae35)
  return lane ^ (lane >>> 16)
}

/**
 * Sums value hashes into `lanes[4 × row, 4 × row + 4)`. Set `row` before the events of a row; `reset` before the first row.
 */
export class RowHashes implements ValueSink {
  lanes: Int32Array
  row = 0
  readonly #double = new Float64Array(1)
  readonly #words = new Int32Array(this.#double.buffer)
  constructor(rowsMax: number) {
    this.lanes = new Int32Array(rowsMax * laneCount)
  }

  /** All rows 0, and room for `rows`. */
  reset(rows: number): void {
    if (this.lanes.length < rows * laneCount) this.lanes = new Int32Array(rows * laneCount)
    else this.lanes.fill(0, 0, rows * laneCount)
    this.row = 0
  }

  present(id: number, place: Place): void {
    this.#two(id, place.hash, tag.present, 0, 0)
  }

  item(id: number, place: Place): void {
    this.#two(id, place.hash, tag.item, 0, 0)
  }

  integer(id: number, place: Place, low: number, high: number): void {
    this.#two(id, place.hash, tag.integer, low, high)
  }

  real(id: number, place: Place, value: number): void {
    this.#double[0] = Number.isNaN(value) ? Number.NaN : value
    this.#two(id, place.hash, tag.real, this.#words[0] as number, this.#words[1] as number)
  }

  decimal(id: number, place: Place, words: Int32Array): void {
    const one = seedOne(id, place.hash, tag.decimal)
    const two = seedTwo(id, place.hash, tag.decimal)
    let a = one
    let b = two
    let c = one ^ seedC
    let d = two ^ seedD
    for (let index = 0; index < 4; index++) {
      const value = words[index] as number
      a = wordA(a, value)
      b = wordB(b, value)
      c = wordC(c, value)
      d = wordD(d, value)
    }
    this.#add(a, b, c, d)
  }

  bytes(id: number, place: Place, buffer: Uint8Array, start: number, end: number): void {
    const one = seedOne(id, place.hash, tag.bytes)
    const two = seedTwo(id, place.hash, tag.bytes)
    let a = one
    let b = two
    let c = one ^ seedC
    let d = two ^ seedD
    let at = start
    for (; at + 4 <= end; at += 4) {
      const value =
        (buffer[at] as number) |
        ((buffer[at + 1] as number) << 8) |
        ((buffer[at + 2] as number) << 16) |
        ((buffer[at + 3] as number) << 24)
      a = wordA(a, value)
      b = wordB(b, value)
      c = wordC(c, value)
      d = wordD(d, value)
    }
    let rest = 0
    for (let shift = 0; at < end; at++, shift += 8) rest |= (buffer[at] as number) << shift
    const length = end - start
    a = wordA(wordA(a, rest), length)
    b = wordB(wordB(b, rest), length)
    c = wordC(wordC(c, rest), length)
    d = wordD(wordD(d, rest), length)
    this.#add(a, b, c, d)
  }

  /** Adds a value hash taken before (see `copyOut`): dictionary entries are hashed once. */
  addLanes(from: Int32Array, index: number): void {
    const lanes = this.lanes
    const to = this.row * laneCount
    const at = index * laneCount
    lanes[to] = (lanes[to] as number) + (from[at] as number)
    lanes[to + 1] = (lanes[to + 1] as number) + (from[at + 1] as number)
    lanes[to + 2] = (lanes[to + 2] as number) + (from[at + 2] as number)
    lanes[to + 3] = (lanes[to + 3] as number) + (from[at + 3] as number)
  }

  /** Turns the sum of a row into its hash, in place. */
  finish(row: number): void {
    const lanes = this.lanes
    const at = row * laneCount
    const a = lanes[at] as number
    const b = lanes[at + 1] as number
    const c = lanes[at + 2] as number
    const d = lanes[at + 3] as number
    lanes[at] = 0
    lanes[at + 1] = 0
    lanes[at + 2] = 0
    lanes[at + 3] = 0
    this.row = row
    this.#add(a, b, c, d)
  }

  /** A value of two words. */
  #two(id: number, place: number, kind: number, low: number, high: number): void {
    const one = seedOne(id, place, kind)
    const two = seedTwo(id, place, kind)
    this.#add(
      wordA(wordA(one, low), high),
      wordB(wordB(two, low), high),
      wordC(wordC(one ^ seedC, low), high),
      wordD(wordD(two ^ seedD, low), high),
    )
  }

  /** Mixes the lanes, so that every lane has seen every other, and adds them to the row. */
  #add(a: number, b: number, c: number, d: number): void {
    a = (a + b + c + d) | 0
    b = (b + a) | 0
    c = (c + a) | 0
    d = (d + a) | 0
    a = spread(a)
    b = spread(b ^ 0x2545f491)
    c = spread(c ^ 0x4f6cdd1d)
    d = spread(d ^ 0x1b873593)
    a = (a + b + c + d) | 0
    const lanes = this.lanes
    const to = this.row * laneCount
    lanes[to] = (lanes[to] as number) + a
    lanes[to + 1] = (lanes[to + 1] as number) + b + a
    lanes[to + 2] = (lanes[to + 2] as number) + c + a
    lanes[to + 3] = (lanes[to + 3] as number) + d + a
  }
}
