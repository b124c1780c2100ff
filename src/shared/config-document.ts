// The config file as a tree of texts, lists and maps, each with its place: YAML (and so JSON) read without types, since what a text
// means is decided where flags and variables are read too. Pure. Invariant: the tree is bounded in bytes, depth and nodes, also
// where aliases repeat parts of it; a text that a variable was put into is never shown but as it was written.
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'

export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
}

export interface TextNode {
  readonly kind: 'text'
  readonly place: Place
  /** With its variables put in; null where one of them is not set, which is a problem already. */
  readonly text: string | null
  /** As written in the file. */
  readonly written: string
}
export interface ListNode {
  readonly kind: 'list'
  readonly place: Place
  readonly items: readonly DocumentNode[]
}
export interface MapNode {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: readonly MapEntry[]
}
export interface MapEntry {
  readonly key: string
  /** Of the key. */
  readonly place: Place
  readonly value: DocumentNode
}
export type DocumentNode = TextNode | ListNode | MapNode

export interface ConfigDocument {
  /** Null where the text is no document at all. */
  readonly root: MapNode | null
  readonly problems: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

const BYTES_MAX = 256 * 1024
const DEPTH_MAX = 16
/** Aliases count as often as they are used. */
const NODES_MAX = 20_000
/** Each is looked for in the whole file. */
const ALIASES_MAX = 100
/** One mistake early in a file makes many more behind it. */
const SYNTAX_PROBLEMS_MAX = 10

export const placeText = ({ file, line, column }: Place): string => `${file}:${line}:${column}`

/** A text as the file must hold it, so that nothing in it is taken for a variable. */
export const escapeVariables = (text: string): string => text.replaceAll('${', () => '$${')

/** Reads the text of a config file. Problems are sentences that begin with file, line and column; no value is repeated in them. */
export function readConfigDocument(text: string, file: string, environment: Environment): ConfigDocument {
  if (Buffer.byteLength(text) > BYTES_MAX) {
    return { root: null, problems: [`${file} is larger than ${BYTES_MAX / 1024} KiB, which no config file is`] }
  }
  const lines = new LineCounter()
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  let document: Document.Parsed
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'failsafe' })
  } catch (error) {
    // Thousands of brackets in each other.
    if (!(error instanceof RangeError)) throw error
    return { root: null, problems: [`${file} is nested too deeply`] }
  }
  const broken = [...document.errors, ...document.warnings]
  if (broken.length > 0) {
    const problems = broken.slice(0, SYNTAX_PROBLEMS_MAX).map(({ pos, code }) => {
      return `${placeText(placeAt(pos[0]))}: ${syntaxTexts[code] ?? 'is no YAML'} (${code})`
    })
    return { root: null, problems }
  }
  const reader = new TreeReader(document, placeAt, environment)
  const { contents } = document
  // An empty file, or one of comments only, configures nothing.
  if (contents === null || (isScalar(contents) && contents.source === '')) {
    return { root: { kind: 'map', place: placeAt(0), entries: [] }, problems: [] }
  }
  const root = reader.read(contents, '', 0)
  if (root !== null && root.kind !== 'map') {
    return { root: null, problems: [`${placeText(root.place)}: a config file holds keys and their values`] }
  }
  return { root, problems: reader.problems }
}

/** The commonest of the parser's codes in words; its own words may repeat a part of the file, and so a secret. */
const syntaxTexts: Readonly<Record<string, string>> = {
  BAD_INDENT: 'is indented otherwise than its neighbours',
  BAD_SCALAR_START: 'a text that begins so must stand in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a colon and a blank in a text: put it in quotes',
  DUPLICATE_KEY: 'the key is there twice',
  MISSING_CHAR: 'a bracket, a quote or a comma is missing before this',
  MULTIPLE_DOCS: 'the file holds several documents',
  TAB_AS_INDENT: 'is indented with a tab: use blanks',
  TAG_RESOLVE_FAILED: 'tags (!) have no meaning here',
  UNEXPECTED_TOKEN: 'is not expected here',
}

class TreeReader {
  readonly problems: string[] = []
  readonly #document: Document.Parsed
  readonly #placeAt: (offset: number) => Place
  readonly #environment: Environment
  #nodeCount = 0
  #aliasCount = 0

  constructor(document: Document.Parsed, placeAt: (offset: number) => Place, environment: Environment) {
    this.#document = document
    this.#placeAt = placeAt
    this.#environment = environment
  }

  /** Null where the tree is out of bounds: then the whole is not read. */
  read(node: Node | null, path: string, depth: number): DocumentNode | null {
    const place = this.#placeAt(node?.range?.[0] ?? 0)
    this.#nodeCount += 1
    if (depth > DEPTH_MAX || this.#nodeCount > NODES_MAX) {
      if (this.#nodeCount <= NODES_MAX + 1) this.problems.push(`${placeText(place)}: ${path} is too deep or too much`)
      this.#nodeCount = NODES_MAX + 1
      return null
    }
    if (isAlias(node)) return this.#alias(node, place, path, depth)
    if (isMap<Node, Node | null>(node)) return this.#map(node.items, place, path, depth)
    if (isSeq<Node>(node)) {
      const items = node.items.map((item, index) => this.read(item, `${path}[${index}]`, depth + 1))
      return { kind: 'list', place, items: items.filter((item) => item !== null) }
    }
    const written = isScalar(node) ? String(node.value ?? '') : ''
    return { kind: 'text', place, written, text: this.#withVariables(written, place, path) }
  }

  #alias(alias: Alias, place: Place, path: string, depth: number): DocumentNode | null {
    this.#aliasCount += 1
    const node = this.#aliasCount > ALIASES_MAX ? undefined : alias.resolve(this.#document)
    if (node !== undefined) return this.read(node, path, depth + 1)
    const reason = this.#aliasCount > ALIASES_MAX ? `more than ${ALIASES_MAX} aliases` : 'an alias without its anchor'
    if (this.#aliasCount <= ALIASES_MAX + 1) this.problems.push(`${placeText(place)}: ${path} is ${reason}`)
    return null
  }

  #map(
    pairs: ReadonlyArray<{ readonly key: Node; readonly value: Node | null }>,
    place: Place,
    path: string,
    depth: number,
  ): MapNode {
    const entries = pairs.flatMap((pair): MapEntry[] => {
      const at = this.#placeAt(pair.key.range?.[0] ?? 0)
      if (!isScalar(pair.key)) {
        this.problems.push(`${placeText(at)}: a key must be a text`)
        return []
      }
      const key = String(pair.key.value ?? '')
      const value = this.read(pair.value, path === '' ? key : `${path}.${key}`, depth + 1)
      return value === null ? [] : [{ key, place: at, value }]
    })
    return { kind: 'map', place, entries }
  }

  /** `${NAME}` is the variable of that name, `$${` the two characters. */
  #withVariables(written: string, place: Place, path: string): string | null {
    if (!written.includes('${')) return written
    let isWhole = true
    const problem = (text: string): string => {
      isWhole = false
      this.problems.push(`${placeText(place)}: ${path} ${text}`)
      return ''
    }
    const text = written.replace(/\$\$\{|\$\{([^}]*)(\}?)/g, (match, name: string | undefined, end: string) => {
      if (match === '$${') return '${'
      if (name === undefined || end === '' || !/^[A-Za-z_]\w*$/.test(name)) {
        return problem('has ${ without the name of a variable and }; the two characters themselves are written $${')
      }
      const value = this.#environment[name]
      return value === undefined || value === '' ? problem(`names the variable ${name}, which is not set`) : value
    })
    return isWhole ? text : null
  }
}
