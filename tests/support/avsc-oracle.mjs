// Encodes values by avsc, an implementation that is not ours, in a process of its own. One JSON line in, one out.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const avsc = createRequire(import.meta.url)('avsc')
const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const long = avsc.types.LongType.__with({
  fromBuffer: (buffer) => buffer.readBigInt64LE(),
  toBuffer: (value) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value) => typeof value === 'bigint',
  compare: (a, b) => (a === b ? 0 : a < b ? -1 : 1),
})

/** Without logical types: avsc then sees the plain `long` that was replaced above. */
function bare(schema) {
  if (Array.isArray(schema)) return schema.map(bare)
  if (typeof schema !== 'object' || schema === null) return schema
  if (primitives.has(schema.type)) return schema.type
  const { logicalType, ...rest } = schema
  if (rest.items !== undefined) rest.items = bare(rest.items)
  if (rest.values !== undefined) rest.values = bare(rest.values)
  if (rest.fields !== undefined) rest.fields = rest.fields.map((f) => ({ name: f.name, type: bare(f.type) }))
  return rest
}

/** $n: long, $f: float, $b: bytes as hex, $m: map as pairs. */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive)
  if (typeof value !== 'object' || value === null) return value
  if ('$n' in value) return BigInt(value.$n)
  if ('$f' in value) return Number(value.$f)
  if ('$b' in value) return Buffer.from(value.$b, 'hex')
  if ('$m' in value) return Object.fromEntries(value.$m.map(([key, inner]) => [key, revive(inner)]))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]))
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const { schema, values } = JSON.parse(line)
    const type = avsc.Type.forSchema(bare(schema), { registry: { long }, wrapUnions: false })
    answer = { encoded: values.map((value) => type.toBuffer(revive(value)).toString('hex')) }
  } catch (error) {
    answer = { error: String(error.stack) }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
