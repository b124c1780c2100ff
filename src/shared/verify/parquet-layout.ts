// How the leaf columns of a Parquet file stand for the columns of an Iceberg table: by field id, never by name, with the
// Parquet annotations checked against the Iceberg types (Iceberg spec, Appendix A, "Parquet"). Pure.
import type { FileMetaData, SchemaElement, SchemaTree } from 'hyparquet'
import { parquetSchema } from 'hyparquet'
import { getTreePath } from 'hyparquet/src/schema.js'
import { IngestError } from '../errors.ts'
import type { IcebergStruct, IcebergType } from '../iceberg/schema.ts'
import { parseDecimal } from './avro-plan.ts'
import { nestingMax } from './value-sink.ts'

export interface LeafStep {
  readonly repetition: 'REQUIRED' | 'OPTIONAL' | 'REPEATED'
  /** Definition level below this step: the step is there where an entry's level is higher (or the step is required). */
  readonly levelBefore: number
  /** `item`: one item of the list or map `id`; `group`: a struct, list or map. */
  readonly role: 'group' | 'item' | 'leaf'
  readonly id: number
  /** Whether this leaf tells of the group or item; of several leaves below one group only the first does. */
  readonly tells: boolean
}

export type LeafKind = 'boolean' | 'int32' | 'int64' | 'float' | 'double' | 'decimal' | 'bytes'

export interface LeafLayout {
  /** Index among the chunks of a row group. */
  readonly column: number
  readonly id: number
  readonly kind: LeafKind
  /** int64: the table's value is the file's times this (files of other writers may keep milliseconds). */
  readonly factor: number
  readonly steps: readonly LeafStep[]
  readonly levelMax: number
  readonly repetitionMax: number
  readonly element: SchemaElement
}

/**
 * Leaf columns of a file that the table has a column for. A column the table no longer has is left out; one the file does
 * not have is null everywhere. Errors: VERIFY_UNSUPPORTED (no field ids, legacy lists), TABLE_FILE_CORRUPT (wrong types).
 */
export function layoutFile(metadata: FileMetaData, table: IcebergStruct, file: string): LeafLayout[] {
  const tree = parquetSchema(metadata)
  const paths = leafPaths(tree)
  if (!tree.children.some((child) => child.element.field_id !== undefined)) {
    throw new IngestError('VERIFY_UNSUPPORTED', { file, reason: 'columns without field ids' })
  }
  const told = new Set<SchemaTree>()
  const layouts: LeafLayout[] = []
  for (const [column, path] of paths.entries()) {
    const layout = layoutLeaf(path, column, table, told, file)
    if (layout !== null) layouts.push(layout)
  }
  return layouts
}

function leafPaths(tree: SchemaTree): SchemaTree[][] {
  const paths: SchemaTree[][] = []
  const visit = (node: SchemaTree): void => {
    if (node.children.length === 0) paths.push(getTreePath(tree, node.path).slice(1))
    else node.children.forEach(visit)
  }
  tree.children.forEach(visit)
  return paths
}

function layoutLeaf(
  path: readonly SchemaTree[],
  column: number,
  table: IcebergStruct,
  told: Set<SchemaTree>,
  file: string,
): LeafLayout | null {
  const steps: LeafStep[] = []
  const name = path.map((node) => node.element.name).join('.')
  let type: IcebergType = table
  let id = 0
  let level = 0
  let repetition = 0
  // Inside a list or map, between its group and its items.
  let isAtItems = false
  for (const [index, node] of path.entries()) {
    const { element } = node
    const step = element.repetition_type ?? 'REQUIRED'
    const isLeaf = index === path.length - 1
    let role: LeafStep['role'] = isLeaf ? 'leaf' : 'group'
    if (isAtItems) {
      if (step !== 'REPEATED' || isLeaf) throw unsupported(file, name, 'a list or map that is not of three levels')
      isAtItems = false
      role = 'item'
    } else {
      const child = childOf(type, element.field_id)
      if (child === null) return null
      if (step === 'REPEATED') throw unsupported(file, name, 'a repeated field outside a list')
      type = child.type
      id = child.id
      isAtItems = typeof type !== 'string' && type.type !== 'struct'
    }
    if (isLeaf !== (typeof type === 'string')) throw mismatch(file, name, `is ${element.type ?? 'a group'}`)
    steps.push({ repetition: step, levelBefore: level, role, id, tells: !told.has(node) })
    told.add(node)
    if (step !== 'REQUIRED') level++
    if (step === 'REPEATED') repetition++
  }
  if (typeof type !== 'string' || repetition > nestingMax) throw unsupported(file, name, 'nested too deeply')
  const element = path[path.length - 1]?.element ?? { name: '' }
  const { kind, factor } = physical(element, type, file, name)
  return { column, id, kind, factor, steps, levelMax: level, repetitionMax: repetition, element }
}

/** The part of a type that a field id names. Lists and maps have their parts below a repeated group without an id. */
function childOf(type: IcebergType, id: number | undefined): { id: number; type: IcebergType } | null {
  if (typeof type === 'string' || id === undefined) return null
  switch (type.type) {
    case 'struct':
      return type.fields.find((field) => field.id === id) ?? null
    case 'list':
      return type['element-id'] === id ? { id, type: type.element } : null
    case 'map':
      if (type['key-id'] === id) return { id, type: type.key }
      return type['value-id'] === id ? { id, type: type.value } : null
  }
}

/** What the file must hold for an Iceberg type; promotions (int → long, float → double) leave older files as they were. */
function physical(
  element: SchemaElement,
  type: string,
  file: string,
  name: string,
): { readonly kind: LeafKind; readonly factor: number } {
  const found = element.type
  const fail = (): never => {
    throw mismatch(file, name, `${found ?? 'group'} ${annotation(element)} cannot be ${type}`)
  }
  const plain = (kind: LeafKind, ...types: readonly string[]): { kind: LeafKind; factor: number } =>
    types.includes(found ?? '') ? { kind, factor: 1 } : fail()
  if (!allowedMeanings(type).includes(meaning(element))) return fail()
  const decimal = parseDecimal(type)
  if (decimal !== null) {
    if ((element.scale ?? 0) !== decimal.scale) return fail()
    return plain('decimal', 'INT32', 'INT64', 'FIXED_LEN_BYTE_ARRAY', 'BYTE_ARRAY')
  }
  if (type.startsWith('fixed')) {
    return type === `fixed[${element.type_length ?? -1}]` ? plain('bytes', 'FIXED_LEN_BYTE_ARRAY') : fail()
  }
  switch (type) {
    case 'boolean':
      return plain('boolean', 'BOOLEAN')
    case 'int':
    case 'date':
      return plain('int32', 'INT32')
    case 'long':
      return found === 'INT32' ? plain('int32', 'INT32') : plain('int64', 'INT64')
    case 'float':
      return plain('float', 'FLOAT')
    case 'double':
      return found === 'FLOAT' ? plain('float', 'FLOAT') : plain('double', 'DOUBLE')
    case 'string':
    case 'binary':
      return plain('bytes', 'BYTE_ARRAY')
    case 'uuid':
      return element.type_length === 16 ? plain('bytes', 'FIXED_LEN_BYTE_ARRAY') : fail()
    default:
      return { kind: plain('int64', 'INT64').kind, factor: unitFactor(element, type) ?? fail() }
  }
}

/** What a column's annotation says its values are; `none` where it has no annotation. */
function meaning(element: SchemaElement): string {
  const { logical_type: logical, converted_type: converted = 'none' } = element
  if (logical?.type === 'INTEGER') return logical.isSigned ? 'INTEGER' : 'UNSIGNED'
  if (logical !== undefined) return logical.type
  if (converted === 'UTF8') return 'STRING'
  return converted.replace(/^INT_(8|16|32|64)$/, 'INTEGER').replace(/_.*$/, '')
}

/** Other readers go by the annotation: a number told as another kind of number is another value to them. */
function allowedMeanings(type: string): readonly string[] {
  if (type.startsWith('decimal')) return ['DECIMAL']
  if (type.startsWith('timestamp')) return ['TIMESTAMP']
  switch (type) {
    case 'int':
    case 'long':
      return ['none', 'INTEGER']
    case 'date':
    case 'time':
    case 'string':
      return [type.toUpperCase()]
    case 'uuid':
      return ['none', 'UUID']
    default:
      return ['none']
  }
}

/** Times and timestamps: units of the table per unit of the file, where the zone is right too; null otherwise. */
function unitFactor(element: SchemaElement, type: string): number | null {
  const match = /^(time|timestamp)(tz)?(_ns)?$/.exec(type)
  const logical = element.logical_type
  const isAnnotated = logical?.type === 'TIMESTAMP' || logical?.type === 'TIME'
  const unit = isAnnotated ? logical.unit : (element.converted_type?.replace(/^TIME(STAMP)?_/, '') ?? '')
  const isUtc = logical?.type === 'TIMESTAMP' ? logical.isAdjustedToUTC : true
  if (match === null || (match[1] === 'timestamp' && isUtc !== (match[2] !== undefined))) return null
  const nanos = unit === 'MILLIS' ? 1e6 : unit === 'MICROS' ? 1e3 : unit === 'NANOS' ? 1 : 0
  const factor = nanos / (match[3] === undefined ? 1e3 : 1)
  return factor >= 1 ? factor : null
}

const annotation = (element: SchemaElement): string =>
  JSON.stringify(element.logical_type ?? element.converted_type ?? 'without annotation')

const mismatch = (file: string, column: string, reason: string): IngestError =>
  new IngestError('TABLE_FILE_CORRUPT', { file, column, reason })
const unsupported = (file: string, column: string, reason: string): IngestError =>
  new IngestError('VERIFY_UNSUPPORTED', { file, column, reason })
