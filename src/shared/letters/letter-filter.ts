// Which dead letters are meant: by place, code, time and schema. Pure. Invariant: a file is left out only where its bounds prove that
// no row of it can match; a bound that is missing proves nothing.
import type { DataFile } from '../iceberg/data-file.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import { deserializeValue } from '../iceberg/single-value.ts'
import type { Topics } from '../option-values.ts'
import { type LetterHead, timeOf } from './dead-letter.ts'

export interface LetterFilter {
  /** Null: all. */
  readonly topics: Topics | null
  readonly partitions: readonly number[] | null
  readonly codes: readonly string[] | null
  readonly schemaId: number | null
  readonly offset: bigint | null
  /** µs since 1970: [from, to) of a letter's time. */
  readonly fromUs: bigint | null
  readonly toUs: bigint | null
}

export const everyLetter: LetterFilter = {
  topics: null,
  partitions: null,
  codes: null,
  schemaId: null,
  offset: null,
  fromUs: null,
  toUs: null,
}

/** The filter as a function, made once. */
export function letterMatcher(filter: LetterFilter): (head: LetterHead) => boolean {
  const { partitions, codes, schemaId, offset, fromUs, toUs } = filter
  const isTopic = topicMatcher(filter.topics)
  return (head) => {
    if (offset !== null && head.offset !== offset) return false
    if (partitions !== null && !partitions.includes(head.partition)) return false
    if (codes !== null && !codes.includes(head.code)) return false
    if (schemaId !== null && head.schemaId !== schemaId) return false
    if (!isTopic(head.topic)) return false
    if (fromUs === null && toUs === null) return true
    const time = timeOf(head)
    return time !== null && (fromUs === null || time >= fromUs) && (toUs === null || time < toUs)
  }
}

function topicMatcher(topics: Topics | null): (name: string) => boolean {
  if (topics === null) return () => true
  if (topics.kind === 'names') return (name) => topics.names.includes(name)
  const pattern = new RegExp(topics.pattern)
  return (name) => pattern.test(name)
}

/** Whether a file may hold a letter that the filter means. */
export function fileMatcher(filter: LetterFilter, schema: IcebergSchema): (file: DataFile) => boolean {
  const { partitions, offset, fromUs, toUs, schemaId } = filter
  const range = boundsOf(schema)
  return (file) => {
    if (offset !== null && isOutside(range(file, 'kafka_offset', 'long'), offset, offset)) return false
    if (schemaId !== null && isOutside(range(file, 'schema_id', 'int'), BigInt(schemaId), BigInt(schemaId)))
      return false
    const numbers = range(file, 'kafka_partition', 'int')
    if (partitions?.every((each) => isOutside(numbers, BigInt(each), BigInt(each))) === true) return false
    if (fromUs === null && toUs === null) return true
    // A letter without a time of its own goes by when it was seen.
    if (hasNulls(file, schema, 'kafka_timestamp')) return true
    return !isOutside(range(file, 'kafka_timestamp', 'timestamptz'), fromUs ?? LEAST, toUs === null ? MOST : toUs - 1n)
  }
}

const LEAST = -0x8000000000000000n
const MOST = 0x7fffffffffffffffn

interface Bounds {
  readonly lower: bigint | null
  readonly upper: bigint | null
}

const isOutside = ({ lower, upper }: Bounds, lowest: bigint, highest: bigint): boolean =>
  (lower !== null && lower > highest) || (upper !== null && upper < lowest)

function boundsOf(schema: IcebergSchema) {
  const ids = new Map(schema.fields.map((field) => [field.name, field.id]))
  return (file: DataFile, column: string, type: 'int' | 'long' | 'timestamptz'): Bounds => {
    const { lowerBounds, upperBounds } = file.metrics
    const read = (bounds: DataFile['metrics']['lowerBounds']): bigint | null => {
      const bytes = bounds.find(([id]) => id === ids.get(column))?.[1]
      const value = bytes === undefined ? null : deserializeValue(type, bytes)
      return typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : null
    }
    return { lower: read(lowerBounds), upper: read(upperBounds) }
  }
}

/** True also where nobody counted. */
function hasNulls(file: DataFile, schema: IcebergSchema, column: string): boolean {
  const id = schema.fields.find((field) => field.name === column)?.id
  return (file.metrics.nullValueCounts.find(([fieldId]) => fieldId === id)?.[1] ?? 1) > 0
}
