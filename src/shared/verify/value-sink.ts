// The canonical form of a row, as events: both readers (Avro from the log, Parquet from the table) tell the same events for
// the same values, in any order. Pure, one thread. Invariant: a null value is no event, so a column that a file does not have
// equals a column of nulls; everything else about a value is in its events (field id, place in its lists, value).

/** Lists and maps inside each other, at most. */
export const nestingMax = 16

/**
 * Where inside the lists and maps of a row a value stands: one index per enclosing list or map, outermost first. `hash` is a
 * running hash of the indices, different for all siblings.
 */
export class Place {
  depth = 0
  hash = 0
  readonly indices = new Int32Array(nestingMax)
  readonly #hashes = new Int32Array(nestingMax + 1)

  /** Steps into item `index`. The caller has checked the nesting against {@link nestingMax}. */
  enter(index: number): void {
    this.indices[this.depth] = index
    this.#hashes[this.depth] = this.hash
    this.depth++
    this.hash = (Math.imul(this.hash ^ (index + 1), 0x9e3779b1) + this.depth) | 0
  }

  leave(): void {
    this.depth--
    this.hash = this.#hashes[this.depth] as number
  }

  /** Leaves until `depth` indices are left. */
  leaveTo(depth: number): void {
    while (this.depth > depth) this.leave()
  }

  clear(): void {
    this.depth = 0
    this.hash = 0
  }

  toString(): string {
    return Array.from(this.indices.subarray(0, this.depth), (index) => `[${index}]`).join('')
  }
}

/** Receives the events of one row after another. `id` is the Iceberg field id of the node; 64-bit values are two words. */
export interface ValueSink {
  /** A struct, list or map that is there (not null). */
  present(id: number, place: Place): void
  /** One item of a list or map, null or not; `id` is the list's or the map's. */
  item(id: number, place: Place): void
  /** boolean (0, 1), int, long, date, time and timestamps. */
  integer(id: number, place: Place, low: number, high: number): void
  /** float and double; all NaNs are one value. */
  real(id: number, place: Place, value: number): void
  /** Unscaled value of a decimal, four words, lowest first, sign-extended. */
  decimal(id: number, place: Place, words: Int32Array): void
  /** string, binary, fixed, uuid. */
  bytes(id: number, place: Place, buffer: Uint8Array, start: number, end: number): void
}
