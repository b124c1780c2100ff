// Sort orders of a table (Iceberg spec, "Sort Orders"): those that K2 makes and follows, columns as they are. Pure, any thread.
// Invariant: an order with a transform that K2 does not follow is never said to be the order of a file.
import { isObject } from './json-shape.ts'
import type { TableMetadata } from './metadata.ts'
import type { IcebergSchema } from './schema.ts'

export interface SortField {
  readonly transform: 'identity'
  readonly 'source-id': number
  readonly direction: 'asc' | 'desc'
  readonly 'null-order': 'nulls-first' | 'nulls-last'
}
export interface SortOrder {
  /** 0 is the order of tables that have none. */
  readonly 'order-id': number
  readonly fields: readonly SortField[]
}

/** The default order of a table, or null where it has none, or one by transforms. */
export function defaultSortOrder({ rest }: Pick<TableMetadata, 'rest'>): SortOrder | null {
  const id = rest['default-sort-order-id']
  const orders: readonly unknown[] = Array.isArray(rest['sort-orders']) ? rest['sort-orders'] : []
  const order = orders.find((each) => isObject(each) && each['order-id'] === id)
  if (!isObject(order) || typeof id !== 'number' || !Array.isArray(order['fields'])) return null
  const fields = order['fields'].filter(isSortField)
  return fields.length === 0 || fields.length < order['fields'].length ? null : { 'order-id': id, fields }
}

function isSortField(value: unknown): value is SortField {
  return (
    isObject(value) &&
    value['transform'] === 'identity' &&
    typeof value['source-id'] === 'number' &&
    (value['direction'] === 'asc' || value['direction'] === 'desc') &&
    (value['null-order'] === 'nulls-first' || value['null-order'] === 'nulls-last')
  )
}

/** In words, by the names of the columns. */
export function sortOrderText(order: SortOrder | null, schema: IcebergSchema): string {
  if (order === null) return 'none'
  return order.fields
    .map(({ 'source-id': id, direction, 'null-order': nulls }) => {
      const name = schema.fields.find((field) => field.id === id)?.name ?? `field ${id}`
      return `${name} ${direction} ${nulls.replace('-', ' ')}`
    })
    .join(', ')
}
