// Which fields of a record have a column of another name in the table, and which have none: chosen by a route, kept by the table in
// its property `k2.columns`, so that every reader of records (ingest, proof) goes by the same. Pure, any thread.
// Invariant: top-level fields only, by the name in the record; a field is renamed or left out, never both.
import { canonicalJson } from '../commit/canonical-json.ts'
import { IngestError } from '../errors.ts'

export interface ColumnChoices {
  /** Field of the record → its column. */
  readonly renamed: Readonly<Record<string, string>>
  /** Fields of the record without a column. */
  readonly leftOut: readonly string[]
}

export const COLUMNS_PROPERTY = 'k2.columns'

export const everyColumn: ColumnChoices = { renamed: {}, leftOut: [] }

export const isEveryColumn = ({ renamed, leftOut }: ColumnChoices): boolean =>
  leftOut.length === 0 && Object.keys(renamed).length === 0

/** Where a field of a record goes: into the column of a name, or nowhere. */
export type FieldTarget = { readonly kind: 'column'; readonly name: string } | { readonly kind: 'left-out' }

/**
 * Target of a field that is known by some names (its own, then its aliases), of a table with these columns. The first name that was
 * chosen for, or that is a column, decides; null where the table has no place for the field. A column that another field was
 * renamed to is not found by its own name.
 */
export function targetOf(
  names: readonly string[],
  choices: ColumnChoices,
  hasColumn: (name: string) => boolean,
): FieldTarget | null {
  for (const name of names) {
    if (choices.leftOut.includes(name)) return { kind: 'left-out' }
    const renamed = Object.hasOwn(choices.renamed, name) ? choices.renamed[name] : undefined
    const column = renamed ?? (Object.values(choices.renamed).includes(name) ? undefined : name)
    if (column !== undefined && hasColumn(column)) return { kind: 'column', name: column }
  }
  return null
}

/** The property text, equal bytes for equal choices. */
export const writeColumnChoices = ({ renamed, leftOut }: ColumnChoices): string =>
  canonicalJson({ renamed, left_out: [...leftOut].sort() })

/** The choices of a table by its properties. Errors: TABLE_PROPERTY where the property is not what K2 writes. */
export function readColumnChoices(properties: Readonly<Record<string, string>>, table: string): ColumnChoices {
  const text = Object.hasOwn(properties, COLUMNS_PROPERTY) ? properties[COLUMNS_PROPERTY] : undefined
  if (text === undefined) return everyColumn
  try {
    const value: unknown = JSON.parse(text)
    const { renamed, left_out: leftOut, ...others } = Object(value)
    const isRenamed = isRecord(renamed) && Object.values(renamed).every((name) => typeof name === 'string')
    const isLeftOut = Array.isArray(leftOut) && leftOut.every((name) => typeof name === 'string')
    if (!isRenamed || !isLeftOut || Object.keys(others).length > 0) throw new Error('not renamed and left_out')
    // Just checked: every value is a text.
    return { renamed: renamed as Record<string, string>, leftOut }
  } catch (error) {
    const allowed = '{"left_out":[…],"renamed":{…}} as k2 writes it'
    throw new IngestError('TABLE_PROPERTY', { table, property: COLUMNS_PROPERTY, value: text, allowed }, error)
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Why a living table whose columns were chosen as `held` cannot go on with `wanted`, or null where it can. What was chosen stays;
 * more may be chosen for fields that never had a column here: no row that is there would be another one by it.
 */
export function columnsChange(
  held: ColumnChoices,
  wanted: ColumnChoices,
  hasColumn: (name: string) => boolean,
): string | null {
  for (const [field, column] of Object.entries(held.renamed)) {
    if (wanted.renamed[field] !== column) return `${field} is column ${column} of the table, not so in the route`
  }
  const dropped = held.leftOut.find((field) => !wanted.leftOut.includes(field))
  if (dropped !== undefined) return `${dropped} is left out of the table, not so in the route`
  const added = [
    ...wanted.leftOut.filter((field) => !held.leftOut.includes(field)),
    ...Object.keys(wanted.renamed).filter((field) => !Object.hasOwn(held.renamed, field)),
  ].find((field) => hasColumn(field))
  return added === undefined ? null : `${added} is a column of the table, left out or renamed in the route`
}
