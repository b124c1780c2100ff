// The schema registry over HTTP behind the port SchemaRegistry: Confluent's REST API, also as others speak it. Main thread.
// Invariant: null means that the registry said it does not know the schema; a registry that cannot be asked is an error of action
// `retry`, so that it is never taken for a bad record. What an id means is kept for ever, what is unknown only for a while.
import { IngestError } from '../errors.ts'
import { parseAvroSchema } from './avro-schema.ts'
import type { SchemaDiskCache } from './http-registry-cache.ts'
import type { RegistryAnswer, RegistryClient } from './http-registry-client.ts'
import { inlineReferences } from './http-registry-references.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import type { WriterSchema } from './writer-schema.ts'

export interface HttpRegistryOptions {
  readonly client: Pick<RegistryClient, 'ask'>
  /** Null: schemas are kept in memory only. */
  readonly cache: SchemaDiskCache | null
  /** How long an id that the registry does not know is not asked for again. */
  readonly unknownMs: number
  /** Monotonic, ms. */
  readonly now: () => number
  /** Told once a topic is served from the disk because the registry cannot be asked. */
  readonly notice: (fields: Readonly<Record<string, string | number>>) => void
}

export interface HttpRegistry extends SchemaRegistry {
  /**
   * Id of `json` under `<topic>-value`, registered if it is not. Errors: SCHEMA_REJECTED where the registry does not allow it,
   * REGISTRY_UNAVAILABLE, REGISTRY_REFUSED.
   */
  register(topic: string, json: string): Promise<number>
}

const SCHEMAS_KEPT_MAX = 1000
const UNKNOWN_KEPT_MAX = 1000
/** Of one schema, those of its references included. */
const REFERENCES_MAX = 100
const REFERENCE_DEPTH_MAX = 16
const INT32_MAX = 0x7fffffff

interface Reference {
  readonly subject: string
  readonly version: number
}

/** `{"schema": "…", "schemaType": "AVRO", "references": [{"name", "subject", "version"}]}` of a registry's answer. */
interface Registered {
  readonly schema: string
  readonly references: readonly Reference[]
}

/** Errors of both questions: REGISTRY_UNAVAILABLE, REGISTRY_REFUSED, SCHEMA_INVALID, SCHEMA_UNSUPPORTED (not Avro, no record). */
export const openHttpRegistry = (options: HttpRegistryOptions): HttpRegistry => new ServedRegistry(options)

class ServedRegistry implements HttpRegistry {
  readonly #options: HttpRegistryOptions
  readonly #known = new Map<number, WriterSchema>()
  readonly #unknownSince = new Map<number, number>()
  /** One question per id at a time, whoever asks. */
  readonly #underWay = new Map<number, Promise<WriterSchema | null>>()

  constructor(options: HttpRegistryOptions) {
    this.#options = options
  }

  async schemaById(id: number): Promise<WriterSchema | null> {
    // The frame has four bytes; no registry gives out an id beyond int32.
    if (!isSchemaId(id)) return null
    const kept = this.#known.get(id)
    if (kept !== undefined) return kept
    const since = this.#unknownSince.get(id)
    if (since !== undefined && this.#options.now() - since < this.#options.unknownMs) return null
    const running = this.#underWay.get(id)
    if (running !== undefined) return running
    const asked = this.#fetchId(id).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, asked)
    return asked
  }

  /** With a copy on disk a registry that is down is asked once, and the copy serves: an older schema of a topic is still one of its. */
  async latestForTopic(topic: string): Promise<WriterSchema | null> {
    const { client, cache, notice } = this.#options
    const subject = subjectOf(topic)
    const stored = (await cache?.readLatest(subject)) ?? null
    const question = get(`/subjects/${encodeURIComponent(subject)}/versions/latest`)
    let answer: RegistryAnswer
    try {
      answer = await client.ask(stored === null ? question : { ...question, patience: 'once' })
    } catch (error) {
      if (stored === null || !(error instanceof IngestError) || error.action !== 'retry') throw error
      const reason = error.message
      notice({ event: 'registry is down: newest schema as last seen', subject, schemaId: stored.id, error: reason })
      return stored
    }
    if (answer.kind !== 'found') return null
    const id = idOf(answer.json, { subject })
    const schema = this.#known.get(id) ?? (await this.#learn(answer, id, { subject, schemaId: id }))
    await cache?.writeLatest(answer.url, subject, schema)
    return schema
  }

  async register(topic: string, json: string): Promise<number> {
    const subject = subjectOf(topic)
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const body = JSON.stringify({ schema: json })
    const answer = await this.#options.client.ask({ method: 'POST', path, body, patience: 'deadline' })
    if (answer.kind === 'found') return idOf(answer.json, { subject })
    const reason = answer.kind === 'rejected' ? answer.reason : 'subject not found'
    throw new IngestError('SCHEMA_REJECTED', { subject, reason })
  }

  async #fetchId(id: number): Promise<WriterSchema | null> {
    const { client, cache, now } = this.#options
    const stored = (await cache?.readId(id)) ?? null
    if (stored !== null) return keep(this.#known, id, stored, SCHEMAS_KEPT_MAX)
    const answer = await client.ask(get(`/schemas/ids/${id}`))
    if (answer.kind === 'found') return this.#learn(answer, id, { schemaId: id })
    keep(this.#unknownSince, id, now(), UNKNOWN_KEPT_MAX)
    return null
  }

  async #learn(
    answer: Extract<RegistryAnswer, { kind: 'found' }>,
    id: number,
    context: SchemaContext,
  ): Promise<WriterSchema> {
    const { client, cache } = this.#options
    const schema = { id, json: await resolve(client, registered(answer.json, context), context) }
    await cache?.writeId(answer.url, schema)
    return keep(this.#known, id, schema, SCHEMAS_KEPT_MAX)
  }
}

/** TopicNameStrategy, Confluent's default. */
const subjectOf = (topic: string): string => `${topic}-value`
const get = (path: string) => ({ method: 'GET', path, body: null, patience: 'deadline' }) as const
const isSchemaId = (id: unknown): id is number =>
  typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= INT32_MAX

/** Adds an entry; the oldest makes room. */
function keep<K, V>(map: Map<K, V>, key: K, value: V, max: number): V {
  map.delete(key)
  map.set(key, value)
  const oldest = map.keys().next()
  if (map.size > max && oldest.done !== true) map.delete(oldest.value)
  return value
}

type SchemaContext = Readonly<Record<string, string | number>>
const invalid = (context: SchemaContext, reason: string): IngestError =>
  new IngestError('SCHEMA_INVALID', { ...context, reason })
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function idOf(json: unknown, context: SchemaContext): number {
  const id = isObject(json) ? json['id'] : undefined
  if (!isSchemaId(id)) throw invalid(context, `the registry answered without an id of 0 to ${INT32_MAX}`)
  return id
}

function registered(json: unknown, context: SchemaContext): Registered {
  if (!isObject(json) || typeof json['schema'] !== 'string') throw invalid(context, 'the registry answered without it')
  const { schema, schemaType = 'AVRO', references = [] } = json
  if (schemaType !== 'AVRO') {
    throw new IngestError('SCHEMA_UNSUPPORTED', { ...context, reason: `of type ${String(schemaType)}, not Avro` })
  }
  if (references !== null && !Array.isArray(references)) throw invalid(context, 'references are not a list')
  return { schema, references: (references ?? []).map((reference) => referenceOf(reference, context)) }
}

function referenceOf(value: unknown, context: SchemaContext): Reference {
  if (isObject(value) && typeof value['subject'] === 'string' && isSchemaId(value['version'])) {
    return { subject: value['subject'], version: value['version'] }
  }
  throw invalid(context, 'a reference without subject and version')
}

/** One text that needs no other, checked to be an Avro record. */
async function resolve(client: Pick<RegistryClient, 'ask'>, main: Registered, context: SchemaContext): Promise<string> {
  const texts = new Map<string, string>()
  const collect = async (references: readonly Reference[], depth: number): Promise<void> => {
    if (references.length > 0 && depth > REFERENCE_DEPTH_MAX) {
      throw invalid(context, `references nested deeper than ${REFERENCE_DEPTH_MAX}`)
    }
    for (const { subject, version } of references) {
      const key = `${version} ${subject}`
      if (texts.has(key)) continue
      if (texts.size >= REFERENCES_MAX) throw invalid(context, `more than ${REFERENCES_MAX} references`)
      const answer = await client.ask(get(`/subjects/${encodeURIComponent(subject)}/versions/${version}`))
      if (answer.kind !== 'found') throw invalid(context, `its reference ${subject} version ${version} is not there`)
      const found = registered(answer.json, context)
      texts.set(key, found.schema)
      await collect(found.references, depth + 1)
    }
  }
  await collect(main.references, 1)
  try {
    const json = inlineReferences(main.schema, [...texts.values()])
    parseAvroSchema(json)
    return json
  } catch (error) {
    if (error instanceof IngestError) throw new IngestError(error.code, { ...context, ...error.context }, error.cause)
    throw error
  }
}
