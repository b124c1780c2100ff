// Iceberg schemas as the spec's JSON ("Appendix C: JSON serialization"), wire names kept. Pure.

/** Primitive types by their JSON name: `decimal(p, s)` and `fixed[n]` carry their parameters. */
export type IcebergPrimitive = string

export type IcebergType = IcebergPrimitive | IcebergStruct | IcebergList | IcebergMap

export interface IcebergField {
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: IcebergType
  readonly doc?: string
}
export interface IcebergStruct {
  readonly type: 'struct'
  readonly fields: readonly IcebergField[]
}
export interface IcebergList {
  readonly type: 'list'
  readonly 'element-id': number
  readonly element: IcebergType
  readonly 'element-required': boolean
}
export interface IcebergMap {
  readonly type: 'map'
  readonly 'key-id': number
  readonly key: IcebergType
  readonly 'value-id': number
  readonly value: IcebergType
  readonly 'value-required': boolean
}
export interface IcebergSchema extends IcebergStruct {
  readonly 'schema-id': number
  readonly 'identifier-field-ids'?: readonly number[]
}

/** Partition transforms K2 writes; others are read and kept. */
export interface PartitionField {
  readonly 'source-id': number
  readonly 'field-id': number
  readonly name: string
  /** `identity`, `day`, `void`, `bucket[n]`, … */
  readonly transform: string
}
export interface PartitionSpec {
  readonly 'spec-id': number
  readonly fields: readonly PartitionField[]
}
