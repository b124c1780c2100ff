// From the entry `routes` of the config file to rules, each value checked and every problem found: one reader per entry, one method
// per key. Pure. Invariant: an entry becomes a rule only where nothing in it is a problem; whatever is wrong is named by place and path.
import { type ColumnChoices, everyColumn } from '../columns/column-choices.ts'
import {
  type DocumentNode,
  escapeVariables,
  type MapNode,
  type Place,
  placeText,
  type TextNode,
} from '../config-document.ts'
import { nearest } from '../nearest.ts'
import { keyOf, type OptionRow } from '../option-row.ts'
import { type OptionValue, parseValue } from '../option-values.ts'
import { optionRows } from '../options.ts'
import type { Setting, SettingValue } from '../setting.ts'
import {
  compressionText,
  parseCompression,
  parsePartition,
  parseSort,
  partitionText,
  sortText,
  type Term,
} from './column-terms.ts'
import { type OwnRouteKey, routeKeyRows, routeKeys } from './route-keys.ts'
import { type RouteOptions, type RouteRule, routeOptionKeys } from './route-rule.ts'
import { capturesOf, parseTopicPattern, patternText, type TopicPattern, tableCaptures } from './route-topics.ts'

export interface ReadRoute {
  /** Null where the entry has problems. */
  readonly rule: RouteRule | null
  readonly settings: readonly Setting[]
}

type Draft = { -readonly [K in keyof RouteRule]?: RouteRule[K] }

/** Reads one entry of `routes`. `overruled`: keys that a flag or a variable gives for all routes. */
export class RouteReader {
  readonly settings: Setting[] = []
  readonly #path: string
  readonly #place: Place
  readonly #overruled: ReadonlySet<string>
  readonly #problems: string[]
  readonly #draft: Draft = {}
  #problemCount = 0

  constructor(path: string, place: Place, overruled: ReadonlySet<string>, problems: string[]) {
    this.#path = path
    this.#place = place
    this.#overruled = overruled
    this.#problems = problems
  }

  read(node: MapNode): ReadRoute {
    const seen = new Map(node.entries.map((entry) => [entry.key, entry]))
    for (const { key, place, value } of node.entries) {
      if (isOwnKey(key)) this.#own(key, value)
      else if (isOptionKey(key)) this.#option(key, value)
      else {
        const close = nearest(key, routeKeys)
        this.#problem(place, key, `is no key of a route${close === null ? '' : `; did you mean ${close}?`}`)
      }
    }
    for (const required of ['topics', 'table']) {
      if (!seen.has(required)) this.#problem(this.#place, null, `needs ${required}`)
    }
    this.#checkCaptures(seen.get('table')?.value.place ?? this.#place)
    this.#checkColumns(seen.get('leave-out')?.place ?? this.#place)
    return { rule: this.#rule(), settings: this.settings }
  }

  #rule(): RouteRule | null {
    const { topics, table } = this.#draft
    if (this.#problemCount > 0 || topics === undefined || table === undefined) return null
    const { partition = null, sort = null, compression = null, columns = everyColumn, options = {} } = this.#draft
    return { path: this.#path, topics, table, partition, sort, compression, columns, options }
  }

  #own(key: OwnRouteKey, value: DocumentNode): void {
    switch (key) {
      case 'topics':
        this.#topics(value)
        return
      case 'table':
        this.#table(value)
        return
      case 'partition':
        this.#draft.partition = this.#terms(key, value, parsePartition, partitionText, 'column')
        return
      case 'sort':
        this.#draft.sort = this.#terms(key, value, parseSort, sortText, 'column')
        return
      case 'compression':
        this.#compression(value)
        return
      case 'rename':
        this.#rename(value)
        return
      case 'leave-out':
        this.#leaveOut(value)
        return
    }
  }

  #topics(value: DocumentNode): void {
    const patterns: TopicPattern[] = []
    const items: string[] = []
    for (const { node, path } of this.#texts('topics', value)) {
      const parsed = parseTopicPattern(node.text ?? '')
      if (parsed.kind === 'problem') this.#valueProblem(node, path, parsed.problem)
      else {
        patterns.push(parsed.pattern)
        items.push(shown(node, patternText(parsed.pattern)))
      }
    }
    if (value.kind === 'list' && value.items.length === 0) this.#problem(value.place, 'topics', 'must name a topic')
    this.#draft.topics = patterns
    this.#keep('topics', value, { kind: 'list', items })
  }

  #table(value: DocumentNode): void {
    const node = this.#text('table', value)
    if (node === null) return
    const text = node.text ?? ''
    // A capture stands for letters, digits, _ or -; what it holds is looked at when a topic has it.
    if (!/^[\w-]+(\.[\w-]+)+$/.test(text.replace(/\{\w+\}/g, 'x'))) {
      const rule = 'must be <namespace>.<table>, of letters, digits, _, - and {captures}'
      this.#valueProblem(node, 'table', rule)
      return
    }
    this.#draft.table = text
    this.#keep('table', value, { kind: 'text', text: shown(node, text) })
  }

  #checkCaptures(place: Place): void {
    const { topics = [], table } = this.#draft
    if (table === undefined || topics.length === 0) return
    for (const name of new Set(tableCaptures(table))) {
      const without = topics.find((pattern) => !capturesOf(pattern).includes(name))
      if (without !== undefined) {
        this.#problem(place, 'table', `has {${name}}, which topic ${patternText(without)} does not capture`)
      }
    }
  }

  #terms<T>(
    key: 'partition' | 'sort',
    value: DocumentNode,
    parse: (text: string) => Term<T>,
    print: (term: T) => string,
    unique: keyof T,
  ): readonly T[] {
    const terms: T[] = []
    const items: string[] = []
    for (const { node, path } of this.#texts(key, value)) {
      const parsed = parse(node.text ?? '')
      if (parsed.kind === 'problem') this.#valueProblem(node, path, parsed.problem)
      else if (terms.some((term) => key === 'sort' && term[unique] === parsed.term[unique])) {
        this.#problem(node.place, path, 'is there twice')
      } else if (terms.some((term) => print(term) === print(parsed.term))) {
        this.#problem(node.place, path, 'is there twice')
      } else {
        terms.push(parsed.term)
        items.push(shown(node, print(parsed.term)))
      }
    }
    this.#keep(key, value, { kind: 'list', items })
    return terms
  }

  #compression(value: DocumentNode): void {
    const node = this.#text('compression', value)
    if (node === null) return
    const parsed = parseCompression(node.text ?? '')
    if (parsed.kind === 'problem') {
      this.#valueProblem(node, 'compression', parsed.problem)
      return
    }
    this.#draft.compression = parsed.term
    this.#keep('compression', value, { kind: 'text', text: shown(node, compressionText(parsed.term)) })
  }

  #rename(value: DocumentNode): void {
    if (value.kind !== 'map') {
      this.#problem(value.place, 'rename', 'must hold fields of the record and their columns, like price: trade_price')
      return
    }
    const renamed: Record<string, string> = {}
    const entries: Array<readonly [string, string]> = []
    for (const entry of value.entries) {
      const path = `rename.${entry.key}`
      const node = this.#text(path, entry.value)
      if (!this.#isField(entry.key, entry.place, path) || node === null) continue
      const column = node.text ?? ''
      if (!FIELD.test(column)) this.#valueProblem(node, path, 'must be a column: letters, digits and _')
      else if (Object.values(renamed).some((other) => other.toLowerCase() === column.toLowerCase())) {
        this.#problem(node.place, path, `is column ${column}, as another field is`)
      } else if (column !== entry.key) {
        renamed[entry.key] = column
        entries.push([entry.key, shown(node, column)])
      }
    }
    this.#draft.columns = { ...(this.#draft.columns ?? everyColumn), renamed }
    this.#keep('rename', value, { kind: 'map', entries })
  }

  #leaveOut(value: DocumentNode): void {
    const leftOut: string[] = []
    const items: string[] = []
    for (const { node, path } of this.#texts('leave-out', value)) {
      const field = node.text ?? ''
      if (!this.#isField(field, node.place, path)) continue
      if (leftOut.includes(field)) this.#problem(node.place, path, 'is there twice')
      else {
        leftOut.push(field)
        items.push(shown(node, field))
      }
    }
    this.#draft.columns = { ...(this.#draft.columns ?? everyColumn), leftOut }
    this.#keep('leave-out', value, { kind: 'list', items })
  }

  #isField(name: string, place: Place, path: string): boolean {
    if (FIELD.test(name)) return true
    const isNested = name.includes('.')
    this.#problem(
      place,
      path,
      isNested ? 'lies in another field: only top-level fields are chosen' : 'is no name of a field',
    )
    return false
  }

  #checkColumns(place: Place): void {
    const { renamed, leftOut } = this.#draft.columns ?? everyColumn
    const both = leftOut.find((field) => Object.hasOwn(renamed, field))
    if (both !== undefined) this.#problem(place, 'leave-out', `has ${both}, which is renamed as well`)
    const columns: ColumnChoices['leftOut'] = Object.values(renamed)
    const gone = (name: string): boolean =>
      (leftOut.includes(name) || Object.hasOwn(renamed, name)) && !columns.includes(name)
    const terms = [
      ...(this.#draft.partition ?? []).map((term) => ['partition', term.column] as const),
      ...(this.#draft.sort ?? []).map((term) => ['sort', term.column] as const),
    ]
    const times = (this.#draft.partition ?? []).filter(({ transform }) => TIMES.includes(transform))
    const again = times.find(({ column }, index) => times.findIndex((other) => other.column === column) < index)
    if (again !== undefined)
      this.#problem(place, 'partition', `is by two times of ${again.column}: the finer one says both`)
    for (const [key, column] of terms) {
      if (gone(column))
        this.#problem(place, key, `is by ${column}, which is no column of the table: renamed or left out`)
    }
  }

  #option(key: (typeof routeOptionKeys)[number], value: DocumentNode): void {
    const node = this.#text(key, value)
    const row = (optionRows as readonly OptionRow[]).find((candidate) => keyOf(candidate) === key)
    if (node === null || row === undefined) return
    const parsed = parseValue(row, node.text ?? '')
    if (parsed.kind === 'problem') {
      this.#valueProblem(node, key, parsed.problem)
      return
    }
    if (this.#overruled.has(key)) return
    const name = row.kind === 'duration' ? `${row.name}Ms` : row.kind === 'instant' ? `${row.name}Us` : row.name
    const options: Readonly<Record<string, OptionValue>> = { ...this.#draft.options, [name]: parsed.value }
    // The rows of these keys have the kinds that RouteOptions names; the compiler cannot relate them through a loop.
    this.#draft.options = options as RouteOptions
    this.#keep(key, value, { kind: 'text', text: node.written })
  }

  /** One text, or null with the problem told. */
  #text(path: string, value: DocumentNode): TextNode | null {
    if (value.kind !== 'text') this.#problem(value.place, path, 'must be one text')
    else if (value.written === '') this.#problem(value.place, path, 'has no value')
    else if (value.text === null) this.#problemCount += 1
    else return value
    return null
  }

  /** A list of texts, or one alone. */
  #texts(path: string, value: DocumentNode): ReadonlyArray<{ readonly node: TextNode; readonly path: string }> {
    if (value.kind === 'map') {
      this.#problem(value.place, path, 'must be a text or a list of texts')
      return []
    }
    const items = value.kind === 'list' ? value.items : [value]
    return items.flatMap((item, index) => {
      const at = value.kind === 'list' ? `${path}[${index}]` : path
      const node = this.#text(at, item)
      return node === null ? [] : [{ node, path: at }]
    })
  }

  #keep(key: string, node: DocumentNode, value: SettingValue): void {
    this.settings.push({ key, value, from: placeText(node.place) })
  }

  #valueProblem(node: TextNode, path: string, text: string): void {
    this.#problem(node.place, path, `${text}, not "${node.written}"`)
  }

  #problem(place: Place, path: string | null, text: string): void {
    this.#problemCount += 1
    const whole = path === null ? this.#path : `${this.#path}.${path}`
    this.#problems.push(`${placeText(place)}: ${whole} ${text}`)
  }
}

/** How a value is shown, so that it can be read again: what a variable was put into as it was written. */
const shown = ({ text, written }: TextNode, canonical: string): string =>
  text === written ? escapeVariables(canonical) : written

/** Names of Avro, which Iceberg's other readers can spell too. */
const FIELD = /^[A-Za-z_][A-Za-z0-9_]*$/

const TIMES: readonly string[] = ['year', 'month', 'day', 'hour']

const isOwnKey = (key: string): key is OwnRouteKey => routeKeyRows.some((row) => row.key === key)
const isOptionKey = (key: string): key is (typeof routeOptionKeys)[number] =>
  routeOptionKeys.some((known) => known === key)
