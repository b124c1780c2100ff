// Lossless JSON for Iceberg's 64-bit ids: an integer beyond 2^53 is a bigint, every other number a number. Pure, any thread.
// JSON.parse would round such ids silently (a snapshot id is 63 random bits) and Node 20 gives a reviver no source text.
// Invariant: writeJson(parseJson(text)) has the same values as text.

export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** Nesting beyond this is refused: table metadata needs about twenty levels, a hostile file would end the stack. */
const depthMax = 200

/** Parses JSON text; integers outside ±(2^53 - 1) become bigint. Throws SyntaxError with the character position. */
export function parseJson(text: string): JsonValue {
  const cursor: Cursor = { text, at: 0 }
  const value = readValue(cursor, 0)
  skipSpace(cursor)
  if (cursor.at < text.length) throw unexpected(cursor)
  return value
}

/** Writes JSON text; bigint as digits. Undefined members are left out. `undefined` as a whole is our bug and throws. */
export function writeJson(value: unknown): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      if (!Number.isFinite(value)) throw new Error(`JSON has no ${value}`)
      return String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      return Array.isArray(value) ? `[${value.map(writeJson).join(',')}]` : writeObject(value)
    default:
      throw new Error(`JSON has no ${typeof value}`)
  }
}

function writeObject(value: object): string {
  const members: string[] = []
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${writeJson(member)}`)
  }
  return `{${members.join(',')}}`
}

interface Cursor {
  readonly text: string
  at: number
}

const numberPattern = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y

function readValue(cursor: Cursor, depth: number): JsonValue {
  if (depth > depthMax) throw new SyntaxError(`JSON nested deeper than ${depthMax} at position ${cursor.at}`)
  skipSpace(cursor)
  switch (cursor.text[cursor.at]) {
    case '{':
      return readObject(cursor, depth)
    case '[':
      return readArray(cursor, depth)
    case '"':
      return readString(cursor)
    case 't':
      return readWord(cursor, 'true', true)
    case 'f':
      return readWord(cursor, 'false', false)
    case 'n':
      return readWord(cursor, 'null', null)
    default:
      return readNumber(cursor)
  }
}

function readObject(cursor: Cursor, depth: number): JsonValue {
  const object: Record<string, JsonValue> = {}
  cursor.at++
  skipSpace(cursor)
  if (take(cursor, '}')) return object
  for (;;) {
    skipSpace(cursor)
    if (cursor.text[cursor.at] !== '"') throw unexpected(cursor)
    const key = readString(cursor)
    skipSpace(cursor)
    if (!take(cursor, ':')) throw unexpected(cursor)
    const value = readValue(cursor, depth + 1)
    // Plain assignment to this one name would set the prototype instead of a member.
    if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true })
    else object[key] = value
    skipSpace(cursor)
    if (take(cursor, '}')) return object
    if (!take(cursor, ',')) throw unexpected(cursor)
  }
}

function readArray(cursor: Cursor, depth: number): JsonValue {
  const array: JsonValue[] = []
  cursor.at++
  skipSpace(cursor)
  if (take(cursor, ']')) return array
  for (;;) {
    array.push(readValue(cursor, depth + 1))
    skipSpace(cursor)
    if (take(cursor, ']')) return array
    if (!take(cursor, ',')) throw unexpected(cursor)
  }
}

/** Finds the closing quote here; escapes and control characters are left to JSON.parse, which knows them all. */
function readString(cursor: Cursor): string {
  const start = cursor.at
  let at = start + 1
  for (;;) {
    const code = cursor.text.charCodeAt(at)
    if (Number.isNaN(code)) throw new SyntaxError(`JSON string not closed at position ${start}`)
    if (code === 0x22) break
    at += code === 0x5c ? 2 : 1
  }
  cursor.at = at + 1
  const value: unknown = JSON.parse(cursor.text.slice(start, cursor.at))
  if (typeof value !== 'string') throw new SyntaxError(`JSON string expected at position ${start}`)
  return value
}

function readNumber(cursor: Cursor): number | bigint {
  numberPattern.lastIndex = cursor.at
  const match = numberPattern.exec(cursor.text)
  if (match === null) throw unexpected(cursor)
  cursor.at += match[0].length
  const value = Number(match[0])
  const isInteger = match[1] === undefined && match[2] === undefined
  if (isInteger && !Number.isSafeInteger(value)) return BigInt(match[0])
  if (!Number.isFinite(value)) throw new SyntaxError(`JSON number too large at position ${cursor.at}`)
  return value
}

function readWord<T>(cursor: Cursor, word: string, value: T): T {
  if (!cursor.text.startsWith(word, cursor.at)) throw unexpected(cursor)
  cursor.at += word.length
  return value
}

function skipSpace(cursor: Cursor): void {
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
    cursor.at++
  }
}

function take(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false
  cursor.at++
  return true
}

function unexpected(cursor: Cursor): SyntaxError {
  const found = cursor.text[cursor.at]
  return new SyntaxError(
    `JSON: ${found === undefined ? 'end of text' : `unexpected ${found}`} at position ${cursor.at}`,
  )
}
