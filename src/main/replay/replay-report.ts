// What a replay did, by the code of the dead letters. Pure.
import type { LetterHead } from '../../shared/letters/dead-letter.ts'
import type { DeadLetterCounts } from '../../shared/messages.ts'

export interface ReplayOutcome {
  /** Letters that were looked at. */
  letters: number
  /** Rows that this replay made, or would make. */
  rows: number
  /** Rows already, by an earlier replay. */
  before: number
  /** Still bad, by what is wrong now. */
  readonly stillBad: Map<string, number>
}

export class ReplayReport {
  readonly byCode = new Map<string, ReplayOutcome>()
  snapshots = 0

  /** For another pass over a table that has moved: what is committed stays, and comes again as rows from before. */
  again(): ReplayReport {
    const next = new ReplayReport()
    for (const [code, { rows }] of this.byCode) Object.assign(next.#of(code), { rows, before: -rows })
    next.snapshots = this.snapshots
    return next
  }

  left({ code }: LetterHead, why: 'row' | { readonly obstacle: string }): void {
    const outcome = this.#of(code)
    outcome.letters++
    if (why === 'row') outcome.before++
    else add(outcome.stillBad, why.obstacle, 1)
  }

  /** A chunk that was sent, and whose rows are committed. */
  sent(code: string, chunk: Pick<ReplayOutcome, 'letters' | 'rows'> & { readonly stillBad: DeadLetterCounts }): void {
    const outcome = this.#of(code)
    outcome.letters += chunk.letters
    outcome.rows += chunk.rows
    for (const [now, count] of Object.entries(chunk.stillBad)) add(outcome.stillBad, now, count)
  }

  get total(): number {
    return [...this.byCode.values()].reduce((sum, { rows }) => sum + rows, 0)
  }

  #of(code: string): ReplayOutcome {
    const known = this.byCode.get(code)
    if (known !== undefined) return known
    const outcome: ReplayOutcome = { letters: 0, rows: 0, before: 0, stillBad: new Map() }
    this.byCode.set(code, outcome)
    return outcome
  }
}

const add = (counts: Map<string, number>, key: string, count: number): void =>
  void counts.set(key, (counts.get(key) ?? 0) + count)
