// A schema that records are written with, as it comes from a registry. Plain data, crosses threads.

export interface WriterSchema {
  /** Of the registry, for ever: the same id is the same schema. */
  readonly id: number
  /** Avro schema, JSON text. */
  readonly json: string
}
