// The newest dead letters of many, no more of them in memory than twice as many as are wanted. Pure.
import { type LetterHead, newestFirst } from './dead-letter.ts'

export class NewestLetters {
  #kept: LetterHead[] = []
  /** All that were added. */
  count = 0
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  add(head: LetterHead): void {
    this.count++
    this.#kept.push(head)
    if (this.#kept.length >= 2 * this.#max + 64) this.#cut()
  }

  /** Newest first, at most as many as wanted. */
  list(): readonly LetterHead[] {
    this.#cut()
    return this.#kept
  }

  #cut(): void {
    this.#kept = this.#kept.sort(newestFirst).slice(0, this.#max)
  }
}
