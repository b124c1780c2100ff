// The sort order of a table in the words of a Parquet footer (parquet.thrift, SortingColumn): leaves by their place in the file. Pure.
// Invariant: a column that is no leaf of its own has no place, and no order is claimed from there on.
import { leafFields } from '../columns/nested-fields.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import type { SortOrder } from '../iceberg/sort-order.ts'
import type { SortingColumn } from './footer-writer.ts'

export function sortingColumns(schema: IcebergSchema, order: SortOrder): readonly SortingColumn[] {
  const leaves = leafFields(schema)
  const columns = order.fields.map((field) => ({
    leaf: leaves.findIndex(({ id }) => id === field['source-id']),
    descending: field.direction === 'desc',
    nullsFirst: field['null-order'] === 'nulls-first',
  }))
  const unplaced = columns.findIndex(({ leaf }) => leaf < 0)
  return unplaced < 0 ? columns : columns.slice(0, unplaced)
}
