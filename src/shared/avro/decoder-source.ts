// Writes the straight-line code of one decoder: a writer schema fitted to a table, as JavaScript text over numbered tables. Pure.
// Invariant: the text is made of fixed fragments and integers only; names, symbols and paths stay in the tables, so nothing of
// a schema can become code.
import type { ColumnStore } from '../columns/storage.ts'
import { createSymbolTable, type SymbolTable } from '../columns/text-store.ts'
import { assert } from '../errors.ts'
import { decimalLimit } from './column-reads.ts'
import type { LeafPlan, StructPlan, ValuePlan } from './writer-fit.ts'

/** What the text refers to by number. */
export interface DecoderTables {
  readonly stores: ColumnStore[]
  readonly symbols: SymbolTable[]
  readonly limits: Int32Array[]
  readonly paths: string[]
}

export interface DecoderSource {
  /** Body of a function of `(runtime, tables)` that returns `run(bytes, view, start, end)`. */
  readonly text: string
  readonly tables: DecoderTables
}

/** Values of one function of the text: far below the size from which V8 no longer optimizes. */
const valuesPerFunction = 24

/** Names that the text takes from the runtime object; see decoder.ts. */
export const runtimeNames = [
  'appendNull',
  'block',
  'blockSize',
  'branchIndex',
  'closeList',
  'closeStruct',
  'fail',
  'readBlock',
  'readBoolean',
  'readBytes',
  'readDecimal',
  'readDecimalOf',
  'readEnum',
  'readFixed',
  'readFloat32',
  'readFloat64',
  'readIndex',
  'readInt32',
  'readInt32AsInt64',
  'readInt64',
  'readMillisAsMicros',
  'readUuid',
  'scratch',
] as const

export type RuntimeName = (typeof runtimeNames)[number]

/** The text for records of `plan` into the top-level stores of a batch. */
export function decoderSource(plan: StructPlan, stores: readonly ColumnStore[]): DecoderSource {
  const writer = new SourceWriter()
  const entry = writer.structFunction(plan, stores, null)
  return { text: writer.textReturning(entry), tables: writer.tables }
}

class SourceWriter {
  readonly tables: DecoderTables = { stores: [], symbols: [], limits: [], paths: [] }
  readonly #functions: string[] = []

  textReturning(entry: string): string {
    const { stores, symbols, limits } = this.tables
    return [
      "'use strict'",
      `const { ${runtimeNames.join(', ')} } = runtime`,
      ...stores.map((_, index) => `const s${index} = tables.stores[${index}], c${index} = s${index}.column`),
      ...symbols.map((_, index) => `const y${index} = tables.symbols[${index}]`),
      ...limits.map((_, index) => `const l${index} = tables.limits[${index}]`),
      ...this.#functions,
      `return ${entry}`,
    ].join('\n')
  }

  /** A function that appends one value to each child, and closes the struct itself where it is a column. */
  structFunction(plan: StructPlan, children: readonly ColumnStore[], self: ColumnStore | null): string {
    const parts: string[] = []
    for (let first = 0; first < plan.fields.length; first += valuesPerFunction) {
      const fields = plan.fields.slice(first, first + valuesPerFunction)
      const body = fields.map(({ column, value }) => this.#value(value, storeAt(children, column)))
      parts.push(this.#function([...body, 'return p']))
    }
    const missing = plan.missing.map((place) => `appendNull(s${this.#store(storeAt(children, place))})`)
    const close = self === null ? [] : [`closeStruct(s${this.#store(self)})`]
    if (parts.length === 1 && missing.length === 0 && close.length === 0) return parts[0] ?? ''
    return this.#function([...parts.map(callPart), ...missing, ...close, 'return p'])
  }

  /** Reads one value at `p` into a store, with the branch index before it where it is optional. */
  #value(value: ValuePlan, store: ColumnStore): string {
    const read = this.#read(value, store)
    if (value.branchCount === 0) return read
    const path = this.#path(value.path)
    const branch = [
      'x = p < e ? b[p] : 255',
      `if (x < ${2 * value.branchCount} && (x & 1) === 0) { p++; x >>>= 1 }`,
      `else { if ((q = readIndex(b, p, e, ${value.branchCount}, branchIndex)) < 0) return fail(q, ${path}, p); p = q; x = scratch.int }`,
    ].join('\n')
    if (value.nullIndex < 0) return `${branch}\n${read}`
    return `${branch}\nif (x === ${value.nullIndex}) appendNull(s${this.#store(store)})\nelse {\n${read}\n}`
  }

  #read(value: ValuePlan, store: ColumnStore): string {
    const { read } = value
    switch (read.kind) {
      case 'struct':
        assert(store.kind === 'struct', 'a struct is read into a struct')
        return callPart(this.structFunction(read, store.children, store))
      case 'list':
        assert(store.kind === 'list', 'an array is read into a list')
        return callPart(
          this.#blocksFunction(value.path, store, read.element.bytesMin, this.#value(read.element, store.element)),
        )
      case 'map': {
        assert(store.kind === 'map', 'a map is read into a map')
        const key = this.#checked(`readBytes(b, v, p, e, s${this.#store(store.key)})`, `${value.path}{key}`)
        const item = `${key}\n${this.#value(read.value, store.value)}`
        return callPart(this.#blocksFunction(value.path, store, 1 + read.value.bytesMin, item))
      }
      default:
        return this.#checked(this.#leafCall(read, this.#store(store)), value.path)
    }
  }

  /** Blocks of items until an empty one (Avro specification, "Arrays", "Maps"). An item never takes 0 bytes: this ends. */
  #blocksFunction(path: string, store: ColumnStore, itemBytesMin: number, item: string): string {
    assert(itemBytesMin > 0, 'items take bytes')
    const at = this.#path(path)
    return this.#function([
      'for (;;) {',
      `if ((q = readBlock(b, p, e, ${itemBytesMin})) < 0) return fail(q, ${at}, p)`,
      'p = q',
      'let n = block.count',
      'if (n === 0) break',
      'const stop = block.end',
      'for (; n > 0; n--) {',
      item,
      '}',
      `if (stop >= 0 && p !== stop) return fail(blockSize, ${at}, p)`,
      '}',
      `closeList(s${this.#store(store)})`,
      'return p',
    ])
  }

  #leafCall(read: LeafPlan, store: number): string {
    switch (read.kind) {
      case 'boolean':
        return `readBoolean(b, p, e, c${store})`
      case 'int32':
        return `readInt32(b, p, e, c${store})`
      case 'int32-as-int64':
        return `readInt32AsInt64(b, p, e, c${store}, ${read.factor})`
      case 'int64':
        return `readInt64(b, p, e, c${store})`
      case 'millis-as-micros':
        return `readMillisAsMicros(b, p, e, c${store})`
      case 'float32':
      case 'float32-as-float64':
        return `readFloat32(v, p, e, c${store})`
      case 'float64':
        return `readFloat64(v, p, e, c${store})`
      case 'text':
      case 'binary':
        return `readBytes(b, v, p, e, s${store})`
      case 'enum':
        return `readEnum(b, p, e, s${store}, y${this.#symbols(read.symbols)})`
      case 'uuid':
        return `readUuid(b, p, e, s${store})`
      case 'fixed':
        return `readFixed(b, p, e, c${store})`
      case 'decimal': {
        const limit = this.tables.limits.push(decimalLimit(read.precision)) - 1
        return read.size === null
          ? `readDecimal(b, v, p, e, c${store}, l${limit})`
          : `readDecimalOf(b, v, p, e, c${store}, l${limit}, ${read.size})`
      }
    }
  }

  #checked(call: string, path: string): string {
    return `if ((q = ${call}) < 0) return fail(q, ${this.#path(path)}, p)\np = q`
  }

  #function(lines: readonly string[]): string {
    const name = `f${this.#functions.length}`
    this.#functions.push([`function ${name}(b, v, p, e) {`, 'let q = 0, x = 0', ...lines, '}'].join('\n'))
    return name
  }

  #store(store: ColumnStore): number {
    const known = this.tables.stores.indexOf(store)
    return known >= 0 ? known : this.tables.stores.push(store) - 1
  }

  #path(path: string): number {
    return this.tables.paths.push(path) - 1
  }

  #symbols(symbols: readonly string[]): number {
    const encoder = new TextEncoder()
    return this.tables.symbols.push(createSymbolTable(symbols.map((symbol) => encoder.encode(symbol)))) - 1
  }
}

/** A called function has noted its failure itself. */
const callPart = (name: string): string => `if ((q = ${name}(b, v, p, e)) < 0) return q\np = q`

function storeAt(stores: readonly ColumnStore[], place: number): ColumnStore {
  const store = stores[place]
  assert(store !== undefined, 'the batch has the columns of the table that was planned for')
  return store
}
