// Avro schemas of manifests and manifest lists, format v2, with the spec's field ids (Iceberg spec, "Manifests", "Manifest
// Lists", and "Appendix A" for maps and logical types). Pure data; names of records as in Java, which some readers expect.
import type { PartitionColumn } from './partition-transform.ts'

const optional = (type: unknown): unknown => ['null', type]

const field = (id: number, name: string, type: unknown): object => ({ name, type, 'field-id': id })

const optionalField = (id: number, name: string, type: unknown): object => ({
  name,
  type: optional(type),
  default: null,
  'field-id': id,
})

/** A map with int keys: Avro's own maps have string keys only, so it is a list of pairs. */
const intMap = (keyId: number, valueId: number, valueType: string): object => ({
  type: 'array',
  items: {
    type: 'record',
    name: `k${keyId}_v${valueId}`,
    fields: [field(keyId, 'key', 'int'), field(valueId, 'value', valueType)],
  },
  logicalType: 'map',
})

const list = (elementId: number, items: unknown): object => ({ type: 'array', items, 'element-id': elementId })

/** Schema of a manifest's entries for tables partitioned by these columns. */
export function manifestEntrySchema(columns: readonly PartitionColumn[]): object {
  const partition = {
    type: 'record',
    name: 'r102',
    fields: columns.map((column) => ({
      ...optionalField(column.fieldId, avroName(column.name), avroType(column.type, column.fieldId)),
      ...(avroName(column.name) === column.name ? {} : { 'iceberg-field-name': column.name }),
    })),
  }
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      field(0, 'status', 'int'),
      optionalField(1, 'snapshot_id', 'long'),
      optionalField(3, 'sequence_number', 'long'),
      optionalField(4, 'file_sequence_number', 'long'),
      field(2, 'data_file', dataFileSchema(partition)),
    ],
  }
}

const dataFileSchema = (partition: object): object => ({
  type: 'record',
  name: 'r2',
  fields: [
    field(134, 'content', 'int'),
    field(100, 'file_path', 'string'),
    field(101, 'file_format', 'string'),
    field(102, 'partition', partition),
    field(103, 'record_count', 'long'),
    field(104, 'file_size_in_bytes', 'long'),
    optionalField(108, 'column_sizes', intMap(117, 118, 'long')),
    optionalField(109, 'value_counts', intMap(119, 120, 'long')),
    optionalField(110, 'null_value_counts', intMap(121, 122, 'long')),
    optionalField(137, 'nan_value_counts', intMap(138, 139, 'long')),
    optionalField(125, 'lower_bounds', intMap(126, 127, 'bytes')),
    optionalField(128, 'upper_bounds', intMap(129, 130, 'bytes')),
    optionalField(131, 'key_metadata', 'bytes'),
    optionalField(132, 'split_offsets', list(133, 'long')),
    optionalField(135, 'equality_ids', list(136, 'int')),
    optionalField(140, 'sort_order_id', 'int'),
  ],
})

/** Schema of a manifest list. */
export const manifestFileSchema: object = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    field(500, 'manifest_path', 'string'),
    field(501, 'manifest_length', 'long'),
    field(502, 'partition_spec_id', 'int'),
    field(517, 'content', 'int'),
    field(515, 'sequence_number', 'long'),
    field(516, 'min_sequence_number', 'long'),
    field(503, 'added_snapshot_id', 'long'),
    field(504, 'added_files_count', 'int'),
    field(505, 'existing_files_count', 'int'),
    field(506, 'deleted_files_count', 'int'),
    field(512, 'added_rows_count', 'long'),
    field(513, 'existing_rows_count', 'long'),
    field(514, 'deleted_rows_count', 'long'),
    optionalField(
      507,
      'partitions',
      list(508, {
        type: 'record',
        name: 'r508',
        fields: [
          field(509, 'contains_null', 'boolean'),
          optionalField(518, 'contains_nan', 'boolean'),
          optionalField(510, 'lower_bound', 'bytes'),
          optionalField(511, 'upper_bound', 'bytes'),
        ],
      }),
    ),
    optionalField(519, 'key_metadata', 'bytes'),
  ],
}

/** Canonical field names by field id: older writers named some fields differently (`added_data_files_count`). */
const namesById: ReadonlyMap<number, string> = collectNames([manifestEntrySchema([]), manifestFileSchema])

/** Key of a record field when a manifest or manifest list is read. Partition fields are told apart by their id. */
export function manifestFieldName(name: string, fieldId: number | null): string {
  if (fieldId === null) return name
  return namesById.get(fieldId) ?? `#${fieldId}`
}

function collectNames(schemas: readonly unknown[]): Map<number, string> {
  const names = new Map<number, string>()
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if ('field-id' in node && 'name' in node) names.set(Number(node['field-id']), String(node.name))
    for (const member of Object.values(node)) visit(member)
  }
  visit(schemas)
  return names
}

/** Avro type of a partition value (spec, Appendix A). */
function avroType(type: string, fieldId: number): unknown {
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
  if (decimal !== null) return decimalType(Number(decimal[1]), Number(decimal[2]), fieldId)
  const fixed = /^fixed\[(\d+)\]$/.exec(type)
  if (fixed !== null) return { type: 'fixed', name: `fixed_${fieldId}`, size: Number(fixed[1]) }
  switch (type) {
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'time':
      return { type: 'long', logicalType: 'time-micros' }
    case 'timestamp':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false }
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }
    case 'uuid':
      return { type: 'fixed', name: `uuid_${fieldId}`, size: 16, logicalType: 'uuid' }
    case 'binary':
      return 'bytes'
    default:
      return type
  }
}

function decimalType(precision: number, scale: number, fieldId: number): object {
  return {
    type: 'fixed',
    name: `decimal_${fieldId}`,
    size: decimalSize(precision),
    logicalType: 'decimal',
    precision,
    scale,
  }
}

/** Bytes of the smallest two's complement number that holds this many digits. */
export function decimalSize(precision: number): number {
  const largest = 10n ** BigInt(precision) - 1n
  let size = 1
  while (BigInt.asIntN(size * 8, largest) !== largest) size++
  return size
}

/** A name Avro allows, made as Java's AvroSchemaUtil does. */
export function avroName(name: string): string {
  return name.replace(/[^A-Za-z0-9_]|^[0-9]/g, (character) =>
    /[0-9]/.test(character) ? `_${character}` : `_x${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
