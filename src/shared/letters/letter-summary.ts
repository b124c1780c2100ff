// Dead letters added up by code, topic, schema and route. Pure. Invariant: the number of groups is bounded; what is beyond is added up
// in one group more, so that the counts of all groups are always the count of all letters.
import { isoMicros, type LetterHead, timeOf } from './dead-letter.ts'

export interface SummaryGroup {
  readonly code: string
  readonly topic: string
  readonly schemaId: number | null
  readonly route: string
  /** Letters. */
  count: number
  /** Of these, those whose record is a row meanwhile. */
  replayed: number
  readonly partitions: Set<number>
  /** Time of the first and last letter (µs since 1970), where they have one. */
  firstUs: bigint | null
  lastUs: bigint | null
}

const GROUPS_MAX = 1_000
const PARTITIONS_MAX = 10_000
/** Code of the group for what is beyond. */
export const OTHER_GROUP = '(other)'

export class LetterSummary {
  readonly #groups = new Map<string, SummaryGroup>()
  readonly #max: number

  constructor(groupsMax = GROUPS_MAX) {
    this.#max = groupsMax
  }

  add(head: LetterHead, isReplayed: boolean): void {
    const group = this.#groupOf(head)
    group.count++
    if (isReplayed) group.replayed++
    if (group.partitions.size < PARTITIONS_MAX) group.partitions.add(head.partition)
    const time = timeOf(head)
    if (time === null) return
    if (group.firstUs === null || time < group.firstUs) group.firstUs = time
    if (group.lastUs === null || time > group.lastUs) group.lastUs = time
  }

  /** Most letters first. */
  list(): readonly SummaryGroup[] {
    return [...this.#groups.values()].sort(
      (a, b) => b.count - a.count || (a.code < b.code ? -1 : a.code > b.code ? 1 : a.topic < b.topic ? -1 : 1),
    )
  }

  #groupOf({ code, topic, schemaId, route }: LetterHead): SummaryGroup {
    const key = JSON.stringify([code, topic, schemaId, route])
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    if (this.#groups.size < this.#max) return this.#open(key, { code, topic, schemaId, route })
    return this.#groups.get('') ?? this.#open('', { code: OTHER_GROUP, topic: '', schemaId: null, route: '' })
  }

  #open(key: string, what: Pick<SummaryGroup, 'code' | 'topic' | 'schemaId' | 'route'>): SummaryGroup {
    const group: SummaryGroup = { ...what, count: 0, replayed: 0, partitions: new Set(), firstUs: null, lastUs: null }
    this.#groups.set(key, group)
    return group
  }
}

/** A group as JSON names it. */
export const groupDocument = (group: SummaryGroup) => ({
  error_code: group.code,
  topic: group.topic,
  schema_id: group.schemaId,
  route: group.route,
  partitions: group.partitions.size,
  count: group.count,
  replayed: group.replayed,
  first: group.firstUs === null ? null : isoMicros(group.firstUs),
  last: group.lastUs === null ? null : isoMicros(group.lastUs),
})
