// A record as its table shows it: without the fields that are left out, the others under the names of their columns, aliases too. Pure.
// Invariant: a field meets the column here that it meets when records are read (targetOf).
import { type ColumnChoices, isEveryColumn, targetOf } from '../columns/column-choices.ts'
import type { IcebergField } from '../iceberg/schema.ts'
import type { AvroField, AvroRecord } from './avro-schema.ts'

/** `columns`: those that the table has; none where it is to be made. What is chosen for fields that are not there changes nothing. */
export function chosenRecord(avro: AvroRecord, choices: ColumnChoices, columns: readonly IcebergField[]): AvroRecord {
  if (isEveryColumn(choices)) return avro
  const names = new Set(columns.map(({ name }) => name))
  const renamed = (name: string): string =>
    Object.hasOwn(choices.renamed, name) ? (choices.renamed[name] ?? name) : name
  const fields = avro.fields.flatMap((field): AvroField[] => {
    const target = targetOf([field.name, ...field.aliases], choices, (name) => names.has(name))
    if (target?.kind === 'left-out') return []
    return [{ ...field, name: renamed(field.name), aliases: field.aliases.map(renamed) }]
  })
  return { ...avro, fields }
}
