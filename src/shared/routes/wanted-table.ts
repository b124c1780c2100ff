// The table that a route wants, from the schemas of its topics and what the route chooses: schema, partition spec, sort order and
// properties. Pure. Invariant: what is chosen and cannot be done exactly is refused by name before anything is made or read.

import { parseAvroSchema } from '../avro/avro-schema.ts'
import { type MappingOptions, partitionSpecFor } from '../avro/iceberg-mapping.ts'
import { newTableSchema } from '../avro/table-schema.ts'
import type { WriterSchema } from '../avro/writer-schema.ts'
import {
  COLUMNS_PROPERTY,
  type ColumnChoices,
  everyColumn,
  isEveryColumn,
  writeColumnChoices,
} from '../columns/column-choices.ts'
import { transformMisfit } from '../columns/partition-values.ts'
import { sortMisfit } from '../columns/row-order.ts'
import type { TableChoices } from '../commit/route-spec.ts'
import { IngestError } from '../errors.ts'
import type { IcebergField, IcebergSchema, PartitionField, PartitionSpec } from '../iceberg/schema.ts'
import type { SortOrder } from '../iceberg/sort-order.ts'
import { compressionProperties } from '../parquet/parquet-properties.ts'
import type { PartitionTerm, RouteRule, SortTerm } from './route-rule.ts'

export interface WantedTable {
  readonly schema: IcebergSchema
  readonly spec: PartitionSpec
  readonly choices: TableChoices
}

/** Errors: SCHEMA_UNSUPPORTED, SCHEMA_INCOMPATIBLE; ROUTE_COLUMN for a column that is not there, or does not suit. */
export function wantedTable(
  writers: readonly WriterSchema[],
  options: Omit<MappingOptions, 'columns'>,
  rule: RouteRule | undefined,
): WantedTable {
  const columns = rule?.columns ?? everyColumn
  const schema = newTableSchema(writers, { ...options, columns })
  const partition = rule?.partition ?? null
  const sort = rule?.sort ?? null
  const compression = rule?.compression ?? null
  const sortOrder = sort === null || sort.length === 0 ? null : sortOrderOf(schema, sort)
  return {
    schema,
    spec: partition === null ? partitionSpecFor(schema) : specOf(schema, partition),
    choices: {
      isSpecChosen: partition !== null,
      isSortChosen: sort !== null,
      sortOrder,
      columns,
      absentFields: absentOf(columns, writers),
      properties: {
        ...(isEveryColumn(columns) ? {} : { [COLUMNS_PROPERTY]: writeColumnChoices(columns) }),
        ...(compression === null ? {} : compressionProperties(compression.codec, compression.level)),
      },
    },
  }
}

function absentOf({ leftOut, renamed }: ColumnChoices, writers: readonly WriterSchema[]): readonly string[] {
  const chosen = [...leftOut, ...Object.keys(renamed)]
  if (chosen.length === 0) return []
  const fields = writers.flatMap(({ json }) => parseAvroSchema(json).fields)
  return chosen.filter((name) => !fields.some((field) => field.name === name || field.aliases.includes(name)))
}

/** Ids of partition fields count from 1000 (spec, "Partition Specs"). Names as other engines give them. */
function specOf(schema: IcebergSchema, terms: readonly PartitionTerm[]): PartitionSpec {
  const taken = new Set(schema.fields.map((field) => field.name.toLowerCase()))
  const fields = terms.map((term, index): PartitionField => {
    const source = columnOf(schema, term.column, 'partition')
    const misfit = transformMisfit(term.transform, source.type)
    if (misfit !== null) throw refused('partition', term.column, misfit)
    return {
      'source-id': source.id,
      'field-id': 1000 + index,
      name: partitionName(term, taken),
      transform: term.transform,
    }
  })
  return { 'spec-id': 0, fields }
}

function partitionName({ transform, column }: PartitionTerm, taken: Set<string>): string {
  // The one partition field that may have the name of a column: the column's own value.
  if (transform === 'identity') return column
  const suffix = transform.startsWith('truncate') ? 'trunc' : transform.replace(/\[.*$/, '')
  let name = `${column}_${suffix}`
  for (let count = 2; taken.has(name.toLowerCase()); count++) name = `${column}_${suffix}_${count}`
  taken.add(name.toLowerCase())
  return name
}

function sortOrderOf(schema: IcebergSchema, terms: readonly SortTerm[]): SortOrder {
  const fields = terms.map(({ column, descending, nullsFirst }) => {
    const source = columnOf(schema, column, 'sort')
    const misfit = sortMisfit(source.type)
    if (misfit !== null) throw refused('sort', column, misfit)
    return {
      transform: 'identity' as const,
      'source-id': source.id,
      direction: descending ? ('desc' as const) : ('asc' as const),
      'null-order': nullsFirst ? ('nulls-first' as const) : ('nulls-last' as const),
    }
  })
  return { 'order-id': 1, fields }
}

function columnOf(schema: IcebergSchema, name: string, key: string): IcebergField {
  const field = schema.fields.find((candidate) => candidate.name === name)
  if (field === undefined) throw refused(key, name, 'the table has no such column')
  return field
}

const refused = (key: string, column: string, reason: string): IngestError =>
  new IngestError('ROUTE_COLUMN', { key, column, reason })
