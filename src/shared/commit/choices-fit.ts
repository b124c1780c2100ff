// Whether a table that exists is as its route chooses: partition spec, sort order, columns; and which of its properties are set to what
// the route says. Pure. Invariant: nothing that would change the meaning of rows that are there is ever brought about here; columns
// are compared by name, since ids are the table's own.
import { columnsChange, everyColumn, readColumnChoices } from '../columns/column-choices.ts'
import { IngestError } from '../errors.ts'
import { currentSchema, currentSpec } from '../iceberg/current-layout.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import type { IcebergSchema, PartitionSpec } from '../iceberg/schema.ts'
import { defaultSortOrder, sortOrderText } from '../iceberg/sort-order.ts'
import type { RouteSpec } from './route-spec.ts'

type Wanted = Pick<RouteSpec, 'choices' | 'route' | 'schema' | 'spec'>

/** What is otherwise than the route chooses, in words; null where nothing is. Errors: TABLE_PROPERTY. */
export function choicesMisfit(wanted: Wanted, metadata: TableMetadata): string | null {
  const [schema, spec] = [currentSchema(metadata), currentSpec(metadata)]
  const { choices, route } = wanted
  if (choices === undefined) return null
  const held = readColumnChoices(metadata.properties, route)
  const columns = columnsChange(held, choices.columns, (name) => schema.fields.some((field) => field.name === name))
  if (columns !== null) return columns
  const [specThere, specWanted] = [specText(spec, schema), specText(wanted.spec, wanted.schema)]
  if (choices.isSpecChosen && specThere !== specWanted) {
    return `partitioned by ${specThere}, in the route by ${specWanted}`
  }
  const orderThere = sortOrderText(defaultSortOrder(metadata), schema)
  const orderWanted = sortOrderText(choices.sortOrder, wanted.schema)
  if (choices.isSortChosen && orderThere !== orderWanted)
    return `sorted by ${orderThere}, in the route by ${orderWanted}`
  return null
}

/**
 * A field that a route renames or leaves out and that no record has is a mistake, unless the table knows it from earlier records.
 * `properties`: of the table, or null where there is none yet. Errors: TABLE_PROPERTY.
 */
export function absentField(
  { choices, route }: Pick<RouteSpec, 'choices' | 'route'>,
  properties: TableMetadata['properties'] | null,
): IngestError | null {
  const absent = choices?.absentFields ?? []
  if (absent.length === 0) return null
  const { renamed, leftOut } = properties === null ? everyColumn : readColumnChoices(properties, route)
  const field = absent.find((name) => !leftOut.includes(name) && !Object.hasOwn(renamed, name))
  if (field === undefined) return null
  return new IngestError('ROUTE_COLUMN', { key: 'rename, leave-out', column: field, reason: 'no field of the topic' })
}

function specText({ fields }: PartitionSpec, schema: IcebergSchema): string {
  const kept = fields.filter(({ transform }) => transform !== 'void')
  if (kept.length === 0) return 'nothing'
  const nameOf = (id: number): string => schema.fields.find((field) => field.id === id)?.name ?? `field ${id}`
  return kept.map((field) => `${field.transform}(${nameOf(field['source-id'])})`).join(', ')
}

export interface PropertyChange {
  readonly updates: Readonly<Record<string, string>>
  readonly removals: readonly string[]
}

const LEVEL = 'write.parquet.compression-level'
const CODEC = 'write.parquet.compression-codec'

/** How the properties of a table come to be what the route says; null where they are. */
export function propertyChange(wanted: RouteSpec, { properties }: TableMetadata): PropertyChange | null {
  const chosen = wanted.choices?.properties ?? {}
  const updates = Object.entries(chosen).filter(([name, value]) => properties[name] !== value)
  // The level of another codec means nothing, or the wrong thing.
  const removals = CODEC in chosen && !(LEVEL in chosen) && LEVEL in properties ? [LEVEL] : []
  return updates.length === 0 && removals.length === 0 ? null : { updates: Object.fromEntries(updates), removals }
}
