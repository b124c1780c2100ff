// Constants in a parsed query, as DuckDB serializes them. Pure, any thread. Only what both sides read alike: text, exact numbers,
// booleans, and text that is cast to a date or a timestamp.

import { isObject, type JsonObject } from '../iceberg/json-shape.ts'
import type { Literal } from '../iceberg/scan-predicate.ts'
import { hasOffset, isDateText } from '../iceberg/scan-time.ts'

/** The constant that an expression is, or null. */
export function literalOf(node: unknown): Literal | null {
  if (!isObject(node)) return null
  switch (node['class']) {
    case 'CONSTANT':
      return constantOf(node['value'])
    case 'CAST':
      return node['try_cast'] === true ? null : castOf(node)
    case 'FUNCTION':
      return negativeOf(node)
    default:
      return null
  }
}

const integerTypes = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|INTEGER_LITERAL)$/

function constantOf(constant: unknown): Literal | null {
  if (!isObject(constant) || constant['is_null'] !== false || !isObject(constant['type'])) return null
  const { value, type } = constant
  const id = String(type['id'])
  if (id === 'BOOLEAN' && typeof value === 'boolean') return { kind: 'boolean', value }
  if ((id === 'VARCHAR' || id === 'STRING_LITERAL') && typeof value === 'string') return { kind: 'text', text: value }
  const integer = integerOf(value)
  if (integer === null) return null
  if (integerTypes.test(id)) return { kind: 'number', unscaled: integer, scale: 0 }
  const scale = id === 'DECIMAL' && isObject(type['type_info']) ? type['type_info']['scale'] : null
  return typeof scale === 'number' ? { kind: 'number', unscaled: integer, scale } : null
}

/** 128-bit values are two words: a signed upper and an unsigned lower one. */
function integerOf(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  if (!isObject(value)) return null
  const [upper, lower] = [integerOf(value['upper']), integerOf(value['lower'])]
  return upper === null || lower === null ? null : (upper << 64n) + lower
}

/** `DATE '…'`, `TIMESTAMP '…'`, `'…'::timestamptz`. */
function castOf(node: JsonObject): Literal | null {
  const literal = literalOf(node['child'])
  const type = isObject(node['cast_type']) ? String(node['cast_type']['id']) : ''
  if (literal?.kind !== 'text') return null
  const { text } = literal
  switch (type) {
    // What a cast would cut off (a time of a date, an offset of a timestamp) is not read.
    case 'DATE':
      return isDateText(text) ? { kind: 'temporal', text } : null
    case 'TIMESTAMP':
      return hasOffset(text) ? null : { kind: 'temporal', text }
    // `true` and `false` are parsed to this.
    case 'BOOLEAN':
      return text === 't' || text === 'f' ? { kind: 'boolean', value: text === 't' } : null
    case 'TIMESTAMP WITH TIME ZONE':
      return { kind: 'temporal', text }
    default:
      return null
  }
}

function negativeOf(node: JsonObject): Literal | null {
  const children = Array.isArray(node['children']) ? node['children'] : []
  if (node['function_name'] !== '-' || children.length !== 1) return null
  const literal = literalOf(children[0])
  return literal?.kind === 'number' ? { ...literal, unscaled: -literal.unscaled } : null
}
