// Seeded pseudo-random numbers (xoshiro128**, Blackman and Vigna): integer arithmetic only, so that every machine and
// every version of Node makes the same stream. Not for secrets.

export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  /** `seed`: any integer; its low 32 bits count. */
  constructor(seed: number) {
    // SplitMix32 spreads neighbouring seeds over the state.
    let state = seed | 0
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0
      let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
      return word ^ (word >>> 15)
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next() | 1 // an all-zero state would stay zero
  }

  /** 32 random bits, as a signed integer. */
  word(): number {
    const product = Math.imul(this.#b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9)
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** Integer in [0, bound), bound at most 2^21 (so that the product stays exact). */
  below(bound: number): number {
    return Math.floor(((this.word() >>> 0) * bound) / 0x1_0000_0000)
  }
}
