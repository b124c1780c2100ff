// Port: where writer schemas come from (a folder of .avsc files here, an HTTP registry elsewhere). Main thread; schemas
// cross to the workers as JSON text. Invariant: a schema id means one schema for ever, so answers may be kept.
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import avro from 'avsc'
import { IngestError } from '../errors.ts'
import type { WriterSchema } from './writer-schema.ts'

export interface SchemaRegistry {
  /** The schema that records with this id were written with; null where the registry does not know it. */
  schemaById(id: number): Promise<WriterSchema | null>
  /**
   * The newest schema for the values of a topic (subject `<topic>-value`), from which its table is made before the first
   * record is read; null where the registry has no such subject.
   */
  latestForTopic(topic: string): Promise<WriterSchema | null>
}

/** File that maps ids and subjects to schema files; see {@link openFileRegistry}. */
export const registryFileName = 'ids.json'

interface SubjectRule {
  readonly pattern: string
  readonly id: number
}

/**
 * Reads a folder of Avro schemas once and serves it from memory. `ids.json` holds
 * `{"ids": {"<schema id>": "<file>.avsc"}, "subjects": {"<subject>": <schema id>}}`. In a subject, `*` stands for one part
 * between dots; a subject without `*` that equals the topic's wins, else the first that fits, in the order of the file.
 * Errors: SCHEMA_INVALID with the file and the reason.
 */
export async function openFileRegistry(directory: string): Promise<SchemaRegistry> {
  const file = join(directory, registryFileName)
  const root = parseObject(await readText(file), file, 'file')
  const ids = objectAt(root, 'ids', file)
  const subjects = objectAt(root, 'subjects', file)
  const unknown = Object.keys(root).find((key) => key !== 'ids' && key !== 'subjects')
  if (unknown !== undefined) throw invalid(file, `unknown key ${unknown}`)

  const byId = new Map<number, WriterSchema>()
  for (const [text, name] of Object.entries(ids)) {
    const id = schemaId(text, file)
    byId.set(id, { id, json: await readSchema(directory, file, text, name) })
  }
  const rules = Object.entries(subjects).map(([pattern, id]) => subjectRule(pattern, id, byId, file))
  return {
    schemaById: async (id) => byId.get(id) ?? null,
    latestForTopic: async (topic) => {
      const rule = ruleFor(rules, `${topic}-value`)
      return rule === null ? null : (byId.get(rule.id) ?? null)
    },
  }
}

function ruleFor(rules: readonly SubjectRule[], subject: string): SubjectRule | null {
  const exact = rules.find((rule) => rule.pattern === subject)
  return exact ?? rules.find((rule) => subjectFits(rule.pattern, subject)) ?? null
}

/** Part by part, `*` for any one part: no regular expression is built from a file. */
function subjectFits(pattern: string, subject: string): boolean {
  const patternParts = partsOf(pattern)
  const parts = partsOf(subject)
  return (
    patternParts.length === parts.length && patternParts.every((part, index) => part === '*' || part === parts[index])
  )
}

/** The suffix is a part of its own: `*` in `a.*-value` stands for the topic's last part alone. */
function partsOf(subject: string): string[] {
  const suffix = '-value'
  return subject.endsWith(suffix) ? [...subject.slice(0, -suffix.length).split('.'), suffix] : subject.split('.')
}

function subjectRule(pattern: string, id: unknown, byId: ReadonlyMap<number, WriterSchema>, file: string): SubjectRule {
  if (typeof id !== 'number' || !byId.has(id))
    throw invalid(file, `subject ${pattern} names id ${String(id)}, not in ids`)
  return { pattern, id }
}

/** Ids are what four bytes of the frame can hold, written without sign or leading zeros. */
function schemaId(text: string, file: string): number {
  const id = Number(text)
  if (!/^(0|[1-9]\d{0,9})$/.test(text) || id > 0x7fffffff) {
    throw invalid(file, `schema id ${text} is not an integer from 0 to 2147483647`)
  }
  return id
}

async function readSchema(directory: string, registryFile: string, id: string, name: unknown): Promise<string> {
  if (typeof name !== 'string' || name === '' || basename(name) !== name || name.startsWith('.')) {
    throw invalid(registryFile, `id ${id} must name a file in its folder, not ${JSON.stringify(name)}`)
  }
  const file = join(directory, name)
  const json = await readText(file)
  const schema = parseObject(json, file, 'schema')
  if (schema['type'] !== 'record') throw invalid(file, 'top level must be a record')
  try {
    // The parse above has shown an object with a type; avsc judges the rest (names, defaults, duplicate fields).
    avro.Type.forSchema(schema as unknown as avro.Schema)
  } catch (error) {
    throw invalid(file, 'not a valid Avro schema', error)
  }
  return json
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw invalid(file, 'cannot be read', error)
  }
}

function parseObject(text: string, file: string, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(file, 'not JSON', error)
  }
  return asObject(value, file, what)
}

const objectAt = (root: Record<string, unknown>, key: string, file: string): Record<string, unknown> =>
  asObject(root[key], file, key)

function asObject(value: unknown, file: string, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(file, `${what} must be an object`)
  // The checks above leave only plain objects out of JSON.parse.
  return value as Record<string, unknown>
}

const invalid = (file: string, reason: string, cause?: unknown): IngestError =>
  new IngestError('SCHEMA_INVALID', { file, reason }, cause)
