// Which tables of a catalog are K2's, and which side table belongs to which main table. Pure.
// Told by what K2 writes into them (properties, tag, commit ids), never by their names alone.
import { POSITIONS_PROPERTY, POSITIONS_TAG } from '../../shared/commit/positions.ts'
import { COMMIT_ID_KEY } from '../../shared/commit/read-positions.ts'
import { APPLIED_PROPERTY } from '../../shared/commit/side-tables.ts'
import { formatTableName, type TableName } from '../../shared/iceberg/catalog.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'

export type TableKind =
  | { readonly kind: 'main' }
  /** `main`: its dotted name, null where the catalog has no table that it could belong to. */
  | { readonly kind: 'side'; readonly main: string | null }
  | { readonly kind: 'other' }

/** Side tables that every main table has from its first commit on, by what follows the main table's name. */
const SIDE_SUFFIXES = ['_dead_letters'] as const

export function kindOf(name: TableName, metadata: TableMetadata, catalog: readonly TableName[]): TableKind {
  if (metadata.properties[APPLIED_PROPERTY] !== undefined) return { kind: 'side', main: mainOf(name, catalog) }
  return hasTraces(metadata) ? { kind: 'main' } : { kind: 'other' }
}

/** The table with the longest name that this one goes on from. */
function mainOf(side: TableName, catalog: readonly TableName[]): string | null {
  const names = catalog.filter((each) => isBeside(each, side)).map(formatTableName)
  return names.reduce<string | null>((longest, name) => (name.length > (longest?.length ?? 0) ? name : longest), null)
}

/** Whether `side` may be a side table of `main`, by their names. */
export const isBeside = (main: TableName, side: TableName): boolean =>
  main.namespace.join('.') === side.namespace.join('.') && side.name.startsWith(`${main.name}_`)

/** The side tables that a main table must have. */
export const requiredSides = (main: TableName): readonly TableName[] =>
  SIDE_SUFFIXES.map((suffix) => ({ ...main, name: `${main.name}${suffix}` }))

/** Whether a table that cannot be read would be one of K2's, as far as the catalog's names tell. */
export function looksOwn(name: TableName, catalog: readonly TableName[]): boolean {
  const names = new Set(catalog.map(formatTableName))
  return (
    SIDE_SUFFIXES.some((suffix) => name.name.endsWith(suffix)) ||
    requiredSides(name).some((side) => names.has(formatTableName(side)))
  )
}

const hasTraces = ({ properties, refs, snapshots }: TableMetadata): boolean =>
  properties[POSITIONS_PROPERTY] !== undefined ||
  refs[POSITIONS_TAG] !== undefined ||
  snapshots.some(({ summary }) => summary[COMMIT_ID_KEY] !== undefined)
