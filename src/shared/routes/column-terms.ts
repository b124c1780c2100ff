// The small texts of a route about columns and files: `bucket(16, symbol)`, `timestamp desc nulls last`, `zstd(9)`. Pure; a text that
// does not fit is a problem in words, as with options. Whether a column is there, and of a fitting type, only its schema can tell.

import { codecNamed, codecNames, levelRange } from '../parquet/parquet-properties.ts'
import type { CompressionChoice, PartitionTerm, SortTerm } from './route-rule.ts'

export type Term<T> =
  | { readonly kind: 'term'; readonly term: T }
  | { readonly kind: 'problem'; readonly problem: string }

const term = <T>(value: T): Term<T> => ({ kind: 'term', term: value })
const problem = <T>(text: string): Term<T> => ({ kind: 'problem', problem: text })

const COLUMN = '[A-Za-z_][A-Za-z0-9_]*'
const plainTransforms = ['identity', 'year', 'month', 'day', 'hour']
const sizedTransforms = ['bucket', 'truncate']
const PARTITION_FORMS = `a column, or one of ${plainTransforms.slice(1).join('(column), ')}(column), bucket(16, column), truncate(4, column); in a [list], one with a comma stands in quotes`
const SIZE_MAX = 0x7fffffff
/** A chunk of records with more partition values is cut until each part has fewer (docs/config.md): small files, for ever. */
export const BUCKETS_MAX = 32

/** Iceberg spec, "Partition Transforms", written as in SQL; the size may come first (Spark) or last (Trino). */
export function parsePartition(text: string): Term<PartitionTerm> {
  if (new RegExp(`^${COLUMN}$`).test(text)) return term({ transform: 'identity', column: text })
  const call = /^([a-z]+)\s*\(\s*([^,()]+?)\s*(?:,\s*([^,()]+?)\s*)?\)$/i.exec(text)
  const [, name = '', first = '', second] = call ?? []
  const transform = name.toLowerCase()
  const [size, column] = second === undefined ? [null, first] : /^\d+$/.test(first) ? [first, second] : [second, first]
  const isKnown = size === null ? plainTransforms.includes(transform) : sizedTransforms.includes(transform)
  if (call === null || !isKnown || !new RegExp(`^${COLUMN}$`).test(column)) return problem(`must be ${PARTITION_FORMS}`)
  if (size === null) return term({ transform, column })
  const number = /^\d{1,10}$/.test(size) ? Number(size) : 0
  if (number < 1 || number > SIZE_MAX) return problem(`must have a whole number, 1 or more, in ${transform}(…)`)
  if (transform === 'bucket' && number > BUCKETS_MAX) {
    return problem(`has more than ${BUCKETS_MAX} buckets: a chunk of records becomes at most ${BUCKETS_MAX} files`)
  }
  return term({ transform: `${transform}[${number}]`, column })
}

export function partitionText({ transform, column }: PartitionTerm): string {
  if (transform === 'identity') return column
  const sized = /^(\w+)\[(\d+)\]$/.exec(transform)
  return sized === null ? `${transform}(${column})` : `${sized[1]}(${sized[2]}, ${column})`
}

/** As in SQL: `column [asc|desc] [nulls first|last]`; nulls come first where it ascends, last where it descends (as in Iceberg). */
export function parseSort(text: string): Term<SortTerm> {
  const match = new RegExp(`^(${COLUMN})(?:\\s+(asc|desc))?(?:\\s+nulls\\s+(first|last))?$`, 'i').exec(text)
  if (match === null) return problem('must be a column, then asc or desc, then nulls first or nulls last')
  const descending = match[2]?.toLowerCase() === 'desc'
  const nulls = match[3]?.toLowerCase()
  return term({ column: match[1] ?? '', descending, nullsFirst: nulls === undefined ? !descending : nulls === 'first' })
}

export const sortText = ({ column, descending, nullsFirst }: SortTerm): string =>
  [
    column,
    ...(descending ? ['desc'] : []),
    ...(nullsFirst === descending ? [`nulls ${nullsFirst ? 'first' : 'last'}`] : []),
  ].join(' ')

/** `snappy`, `zstd(9)`. */
export function parseCompression(text: string): Term<CompressionChoice> {
  const match = /^([a-z0-9_]+)(?:\s*\(\s*(\d{1,3})\s*\))?$/i.exec(text)
  const codec = codecNamed(match?.[1] ?? '')
  if (codec === undefined)
    return problem(`must be one of ${codecNames.join(', ')}, with a level like zstd(9) where it has one`)
  if (match?.[2] === undefined) return term({ codec, level: null })
  const range = levelRange(codec)
  const level = Number(match[2])
  if (range === undefined) return problem(`has a level, which ${codec} has not`)
  return level >= range[0] && level <= range[1]
    ? term({ codec, level })
    : problem(`has a level for ${codec} beyond ${range[0]} to ${range[1]}`)
}

export const compressionText = ({ codec, level }: CompressionChoice): string =>
  level === null ? codec : `${codec}(${level})`
