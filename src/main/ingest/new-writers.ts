// Schemas that records turn out to be written with while a route runs: taken into the table where they fit, else their topic is held and
// the others go on. Main thread. Invariant: each schema is learned once; one that does not fit is forgotten with its topic.
import type { SchemaRegistry } from '../../shared/avro/schema-registry.ts'
import type { WriterSchema } from '../../shared/avro/writer-schema.ts'
import { IngestError } from '../../shared/errors.ts'
import type { Route } from './routes.ts'

/** What of an error is about a schema: it was learned (open the table again), its topics cannot be read, or nothing. */
export type Lesson =
  | { readonly kind: 'learned'; readonly schemaId: number }
  | { readonly kind: 'misfit'; readonly topics: readonly string[] }
  | { readonly kind: 'none' }

const WRITERS_MAX = 100

export class NewWriters {
  readonly #registry: Pick<SchemaRegistry, 'schemaById'>
  /** By schema id, with the topic that showed it. */
  readonly #learned = new Map<number, { readonly schema: WriterSchema; readonly topic: string }>()

  constructor(registry: Pick<SchemaRegistry, 'schemaById'>) {
    this.#registry = registry
  }

  get schemas(): readonly WriterSchema[] {
    return [...this.#learned.values()].map(({ schema }) => schema)
  }

  /**
   * `newest`: the schemas that the registry names for the route's topics, in their order. Errors: those of the registry.
   */
  async take(error: unknown, { topics }: Pick<Route, 'topics'>, newest: readonly WriterSchema[]): Promise<Lesson> {
    if (!(error instanceof IngestError) || error.code !== 'SCHEMA_INCOMPATIBLE') return { kind: 'none' }
    const { schemaId, topic } = error.context
    if (typeof schemaId !== 'number') return { kind: 'none' }
    const isNew = !this.#learned.has(schemaId) && newest.every(({ id }) => id !== schemaId)
    if (isNew && typeof topic === 'string' && this.#learned.size < WRITERS_MAX) {
      const schema = await this.#registry.schemaById(schemaId)
      if (schema === null) return { kind: 'none' }
      this.#learned.set(schemaId, { schema, topic })
      return { kind: 'learned', schemaId }
    }
    const shown = typeof topic === 'string' ? topic : this.#learned.get(schemaId)?.topic
    this.#learned.delete(schemaId)
    const misfits = shown === undefined ? topics.filter((_, index) => newest[index]?.id === schemaId) : [shown]
    return misfits.length === 0 ? { kind: 'none' } : { kind: 'misfit', topics: misfits }
  }
}
