// A dead letter as a reader of `<table>_dead_letters` meets it: the record's place, what was wrong, and its bytes. Plain data, pure.
// Invariant: nothing is lost on the way to JSON: offsets are decimal strings, times ISO 8601 to the microsecond, bytes base64.

/** All but the bytes. */
export interface LetterHead {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly offset: bigint
  /** µs since 1970 of the record in Kafka; null: its producer gave none. */
  readonly timestampUs: bigint | null
  /** Null: the value has no frame. */
  readonly schemaId: number | null
  readonly code: string
  readonly text: string
  /** Null: no field is to blame. */
  readonly fieldPath: string | null
  readonly route: string
  /** µs since 1970 when a run met it. */
  readonly seenAtUs: bigint | null
}

export interface LetterHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

export interface DeadLetter extends LetterHead {
  readonly version: string
  readonly key: Uint8Array | null
  readonly headers: readonly LetterHeader[]
  readonly value: Uint8Array | null
}

/** When it happened: the record's own time, or, where it has none, when it was met. */
export const timeOf = (letter: Pick<LetterHead, 'timestampUs' | 'seenAtUs'>): bigint | null =>
  letter.timestampUs ?? letter.seenAtUs

/** ISO 8601 in UTC, six digits of a second; the bare number where no date has it. */
export function isoMicros(us: bigint): string {
  const fraction = ((us % 1_000_000n) + 1_000_000n) % 1_000_000n
  const date = new Date(Number((us - fraction) / 1000n))
  if (Number.isNaN(date.getTime())) return String(us)
  return `${date.toISOString().slice(0, -4)}${String(fraction).padStart(6, '0')}Z`
}

const isoOrNull = (us: bigint | null): string | null => (us === null ? null : isoMicros(us))
const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')

/** A head as JSON names it. */
export const headDocument = (head: LetterHead) => ({
  topic: head.topic,
  topic_id: head.topicId,
  partition: head.partition,
  offset: String(head.offset),
  timestamp: isoOrNull(head.timestampUs),
  error_code: head.code,
  error_text: head.text,
  field_path: head.fieldPath,
  schema_id: head.schemaId,
  route: head.route,
  seen_at: isoOrNull(head.seenAtUs),
})

/** A whole letter as JSON: a line of an export, the document of `show`. */
export const letterDocument = (letter: DeadLetter) => ({
  ...headDocument(letter),
  k2_version: letter.version,
  key: base64(letter.key),
  headers: letter.headers.map(({ key, value }) => ({ key, value: base64(value) })),
  value: base64(letter.value),
})

/** Newest first; at one time by place, so that the order is the same every time. */
export function newestFirst(a: LetterHead, b: LetterHead): number {
  const [left, right] = [timeOf(a) ?? -1n, timeOf(b) ?? -1n]
  if (left !== right) return left > right ? -1 : 1
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  if (a.partition !== b.partition) return a.partition - b.partition
  return a.offset === b.offset ? 0 : a.offset > b.offset ? -1 : 1
}
