// A schema with references as one text: the referenced definitions are put where their names are first used. Pure.
// Invariant: reading names in the order of the text finds each one defined before it is used again, as Avro parsers need it;
// each definition is put in once, so the result is no longer than its sources together.
import { IngestError } from '../errors.ts'

type Json = Readonly<Record<string, unknown>>

interface Definition {
  readonly node: Json
  /** Namespace around the definition in its own text. */
  readonly namespace: string
}

/** JSON nested deeper is refused before it can exhaust the stack; a schema nests at most 64 types. */
const JSON_DEPTH_MAX = 256
const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const isNamedKind = (kind: unknown): boolean =>
  kind === 'record' || kind === 'error' || kind === 'enum' || kind === 'fixed'

/**
 * `main` with the named types of `references` inlined; references of references are among them, in any order.
 * Errors: SCHEMA_INVALID where a text is not JSON, or two of them define one name differently.
 */
export function inlineReferences(main: string, references: readonly string[]): string {
  if (references.length === 0) return main
  const definitions = new Map<string, Definition>()
  for (const text of references) collect(parse(text), '', definitions, 0)
  const inliner = new Inliner(definitions)
  return JSON.stringify(inliner.type(parse(main), '', 0))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new IngestError('SCHEMA_INVALID', { reason: 'not JSON' }, error)
  }
}

/** Every named type of a text, nested ones too. */
function collect(node: unknown, namespace: string, into: Map<string, Definition>, depth: number): void {
  checkDepth(depth)
  if (Array.isArray(node)) {
    for (const branch of node) collect(branch, namespace, into, depth + 1)
    return
  }
  if (!isObject(node)) return
  let inside = namespace
  if (isNamedKind(node['type'])) {
    const name = fullName(node, namespace)
    const earlier = into.get(name)
    if (earlier !== undefined && JSON.stringify(earlier.node) !== JSON.stringify(node)) {
      throw new IngestError('SCHEMA_INVALID', { name, reason: 'two references define it differently' })
    }
    if (earlier === undefined) into.set(name, { node, namespace })
    inside = namespaceOf(name)
  }
  for (const child of childrenOf(node)) collect(child, inside, into, depth + 1)
}

/** Where types stand inside a type. */
function childrenOf(node: Json): readonly unknown[] {
  const fields = Array.isArray(node['fields']) ? node['fields'] : []
  const nested = isObject(node['type']) || Array.isArray(node['type']) ? [node['type']] : []
  return [...nested, ...fields.map((field) => (isObject(field) ? field['type'] : null)), node['items'], node['values']]
}

const namespaceOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('.')))

function fullName(node: Json, around: string): string {
  const { name, namespace } = node
  if (typeof name !== 'string') throw new IngestError('SCHEMA_INVALID', { reason: 'a named type without a name' })
  if (name.includes('.')) return name
  const own = typeof namespace === 'string' ? namespace : around
  return own === '' ? name : `${own}.${name}`
}

function checkDepth(depth: number): void {
  if (depth > JSON_DEPTH_MAX)
    throw new IngestError('SCHEMA_INVALID', { reason: `nested deeper than ${JSON_DEPTH_MAX}` })
}

class Inliner {
  readonly #definitions: ReadonlyMap<string, Definition>
  readonly #defined = new Set<string>()

  constructor(definitions: ReadonlyMap<string, Definition>) {
    this.#definitions = definitions
  }

  /** A type in its place, in the order of the text. */
  type(node: unknown, namespace: string, depth: number): unknown {
    checkDepth(depth)
    if (typeof node === 'string') return this.#name(node, namespace, depth)
    if (Array.isArray(node)) return node.map((branch) => this.type(branch, namespace, depth + 1))
    if (!isObject(node)) return node
    const kind = node['type']
    if (isNamedKind(kind)) return this.#named(node, namespace, depth)
    if (kind === 'array') return { ...node, items: this.type(node['items'], namespace, depth + 1) }
    if (kind === 'map') return { ...node, values: this.type(node['values'], namespace, depth + 1) }
    return { ...node, type: this.type(kind, namespace, depth + 1) }
  }

  #name(name: string, namespace: string, depth: number): unknown {
    if (primitives.has(name)) return name
    const full = name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
    if (this.#defined.has(full)) return name
    const [found, definition] = [full, name]
      .map((candidate) => [candidate, this.#definitions.get(candidate)] as const)
      .find(([, candidate]) => candidate !== undefined) ?? [name, undefined]
    if (definition === undefined || this.#defined.has(found)) return name
    // Its namespace is written out: the place it is put in may be in another one.
    return this.#named({ ...definition.node, namespace: namespaceOf(found) }, definition.namespace, depth + 1)
  }

  #named(node: Json, namespace: string, depth: number): unknown {
    const name = fullName(node, namespace)
    // A definition nested in one reference and put in before, by its name, for another.
    if (this.#defined.has(name) && this.#definitions.has(name)) return name
    this.#defined.add(name)
    const { fields } = node
    if (!Array.isArray(fields)) return node
    const inside = namespaceOf(name)
    return {
      ...node,
      fields: fields.map((field) =>
        isObject(field) ? { ...field, type: this.type(field['type'], inside, depth + 1) } : field,
      ),
    }
  }
}
