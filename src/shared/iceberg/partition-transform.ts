// Partition transforms (Iceberg spec, "Partition Transforms"): result types, the struct type of a spec, and how partition
// values look in a path. Pure, any thread. Values of day are days since 1970-01-01 UTC, rounded towards the past.
import { IngestError } from '../errors.ts'
import type { PartitionValue } from './data-file.ts'
import type { IcebergPrimitive, IcebergSchema, PartitionSpec } from './schema.ts'
import { typeOfField } from './schema-json.ts'

/** One field of a spec's partition struct. */
export interface PartitionColumn {
  readonly fieldId: number
  readonly name: string
  readonly transform: string
  readonly type: IcebergPrimitive
}

/**
 * Columns of the partition struct of a spec. `day` yields a date, as Java and pyiceberg write it. The source of a dropped
 * column counts as string (only a void field may have one).
 * Errors: TABLE_METADATA for a transform of the future, whose type cannot be known.
 */
export function partitionColumns(spec: PartitionSpec, schema: IcebergSchema): PartitionColumn[] {
  return spec.fields.map((field) => {
    const source = typeOfField(schema, field['source-id'])
    const sourceType = typeof source === 'string' ? source : 'string'
    return {
      fieldId: field['field-id'],
      name: field.name,
      transform: field.transform,
      type: resultType(field.transform, sourceType),
    }
  })
}

function resultType(transform: string, sourceType: IcebergPrimitive): IcebergPrimitive {
  const base = transform.replace(/\[.*$/, '')
  switch (base) {
    case 'identity':
    case 'truncate':
    case 'void':
      return sourceType
    case 'day':
      return 'date'
    case 'year':
    case 'month':
    case 'hour':
    case 'bucket':
      return 'int'
    default:
      throw new IngestError('TABLE_METADATA', { field: 'partition-specs', reason: `unknown transform ${transform}` })
  }
}

const dayMs = 86_400_000

/**
 * Path of a partition inside the data folder, `timestamp_day=2014-03-10`, several fields joined by `/`, '' without fields.
 * For people and for older engines only: readers take partition values from the manifests.
 */
export function partitionPath(columns: readonly PartitionColumn[], values: readonly PartitionValue[]): string {
  const parts = columns.map((column, index) => {
    const text = readable(column, values[index] ?? null)
    return `${urlEncode(column.name)}=${urlEncode(text)}`
  })
  return parts.join('/')
}

function readable(column: PartitionColumn, value: PartitionValue): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return value
  switch (column.transform) {
    case 'year':
      return String(1970 + value)
    case 'month':
      return `${1970 + Math.floor(value / 12)}-${String((((value % 12) + 12) % 12) + 1).padStart(2, '0')}`
    case 'hour':
      return `${dateText(Math.floor(value / 24))}-${String(((value % 24) + 24) % 24).padStart(2, '0')}`
    default:
      return column.type === 'date' ? dateText(value) : String(value)
  }
}

/** Days since 1970 as `2014-03-10`. */
export const dateText = (days: number): string => new Date(days * dayMs).toISOString().replace(/T.*$/, '')

/** As Java's URLEncoder, which other writers use for partition paths. */
const urlEncode = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+')
