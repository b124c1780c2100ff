// Random Avro schemas that Iceberg can hold, and random values of each, as the oracle takes them and as columns must show them.
import fc from 'fast-check'
import type { ColumnValue } from './column-values.ts'

export interface Sample {
  /** Tagged for avsc-oracle.mjs. */
  readonly wire: unknown
  readonly column: ColumnValue
}
/** A schema as JSON with the values it takes. Named types carry no name yet. */
interface Kind {
  readonly schema: unknown
  readonly sample: fc.Arbitrary<Sample>
}

const plain = (schema: unknown, values: fc.Arbitrary<boolean | number | string>): Kind => ({
  schema,
  sample: values.map((value) => ({ wire: value, column: value })),
})
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const int32 = fc.oneof(
  fc.integer(),
  fc.integer({ min: -70, max: 70 }),
  fc.constantFrom(-0x80000000, 0x7fffffff, 63, 64, -64, -65),
)
const int64 = fc.oneof(
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.bigInt({ min: -70n, max: 70n }),
  fc
    .integer({ min: 0, max: 63 })
    .map((bits) => 1n << BigInt(bits))
    .map((value) => BigInt.asIntN(64, value)),
  fc.integer({ min: 0, max: 63 }).map((bits) => (1n << BigInt(bits)) - 1n),
  fc.integer({ min: 0, max: 63 }).map((bits) => -(1n << BigInt(bits))),
)
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 400 }),
  fc.constantFrom('', 'BTCUSDT', 'ETHUSDT', 'BINANCE', 'größer', '🙂', '\u0000', '\ufeffBOM'),
)
const longs = (schema: unknown, values: fc.Arbitrary<bigint>, factor = 1n): Kind => ({
  schema,
  sample: values.map((value) => ({ wire: { $n: String(value) }, column: value * factor })),
})
const micros = (1n << 63n) / 1000n

const leaves: ReadonlyArray<fc.Arbitrary<Kind>> = [
  fc.constant(plain('boolean', fc.boolean())),
  fc.constant(plain('int', int32)),
  fc.constant(plain({ type: 'int', logicalType: 'date' }, int32)),
  fc.constant({
    schema: { type: 'int', logicalType: 'time-millis' },
    sample: int32.map((value): Sample => ({ wire: value, column: BigInt(value) * 1000n })),
  }),
  fc.constant(longs('long', int64)),
  fc.constant(longs({ type: 'long', logicalType: 'timestamp-micros' }, int64)),
  fc.constant(longs({ type: 'long', logicalType: 'local-timestamp-micros' }, int64)),
  fc.constant(longs({ type: 'long', logicalType: 'time-micros' }, int64)),
  fc.constant(
    longs({ type: 'long', logicalType: 'timestamp-millis' }, fc.bigInt({ min: -micros, max: micros }), 1000n),
  ),
  fc.constant({
    schema: 'float',
    sample: fc.float().map((value): Sample => ({ wire: { $f: floatText(value) }, column: value })),
  }),
  fc.constant({
    schema: 'double',
    sample: fc.double().map((value): Sample => ({ wire: { $f: floatText(value) }, column: value })),
  }),
  fc.constant(plain('string', text)),
  fc.constant(plain({ type: 'string', logicalType: 'uuid' }, fc.uuid())),
  fc.constant({
    schema: 'bytes',
    sample: fc.uint8Array({ maxLength: 300 }).map((value): Sample => ({ wire: { $b: hexOf(value) }, column: value })),
  }),
  fc
    .uniqueArray(fc.constantFrom('BUY', 'SELL', 'SELL_SHORT', 'UNKNOWN', 'a', '_b'), { minLength: 1 })
    .map((symbols) => plain({ type: 'enum', symbols }, fc.constantFrom(...symbols))),
  fc.integer({ min: 1, max: 80 }).map((size) => ({
    schema: { type: 'fixed', size },
    sample: bytesOf(size).map((value): Sample => ({ wire: { $b: hexOf(value) }, column: value })),
  })),
  fc.constant({
    schema: { type: 'fixed', size: 16, logicalType: 'uuid' },
    sample: fc.uuid().map((value): Sample => ({ wire: { $b: value.replaceAll('-', '') }, column: value })),
  }),
  fc.tuple(fc.integer({ min: 1, max: 38 }), fc.boolean(), fc.integer({ min: 0, max: 6 })).map(decimalKind),
]

const floatText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))
const bytesOf = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size })

/** As many bytes as the value needs, and `padding` more of its sign: not minimal, and still the same number. */
export function twosComplement(value: bigint, bytesMin: number, padding: number): string {
  let size = bytesMin
  while (BigInt.asIntN(8 * size, value) !== value) size += 1
  const all = size + padding
  return BigInt.asUintN(8 * all, value)
    .toString(16)
    .padStart(2 * all, '0')
}

function decimalKind([precision, isFixed, padding]: [number, boolean, number]): Kind {
  const largest = 10n ** BigInt(precision) - 1n
  const decimal = { logicalType: 'decimal', precision, scale: precision >> 1 }
  const fixedSize = twosComplement(largest, 1, padding).length / 2
  const values = fc.oneof(fc.bigInt({ min: -largest, max: largest }), fc.constantFrom(largest, -largest, 0n, -1n))
  return {
    schema: isFixed ? { type: 'fixed', size: fixedSize, ...decimal } : { type: 'bytes', ...decimal },
    sample: values.map((value): Sample => {
      const hex = isFixed ? twosComplement(value, fixedSize, 0) : twosComplement(value, 1, padding)
      return { wire: { $b: hex }, column: value }
    }),
  }
}

const leaf = fc.oneof(...leaves)

const nullable = (kind: Kind, isNullFirst: boolean): Kind => ({
  schema: isNullFirst ? ['null', kind.schema] : [kind.schema, 'null'],
  sample: fc.option(kind.sample, { nil: { wire: null, column: null }, freq: 2 }),
})

const arrayOf = (kind: Kind): Kind => ({
  schema: { type: 'array', items: kind.schema },
  sample: fc
    .array(kind.sample, { maxLength: 5 })
    .map((items): Sample => ({ wire: items.map((item) => item.wire), column: items.map((item) => item.column) })),
})

const mapOf = (kind: Kind): Kind => ({
  schema: { type: 'map', values: kind.schema },
  sample: fc
    .uniqueArray(fc.tuple(text, kind.sample), { maxLength: 4, selector: ([key]) => key })
    .map((entries) => entries.filter(([key]) => !/^\d+$/.test(key)))
    .map(
      (entries): Sample => ({
        wire: { $m: entries.map(([key, value]) => [key, value.wire]) },
        column: entries.map(([key, value]) => [key, value.column]),
      }),
    ),
})

const recordOf = (kinds: readonly Kind[]): Kind => ({
  schema: { type: 'record', fields: kinds.map((kind, index) => ({ name: `f${index}`, type: kind.schema })) },
  sample: fc.tuple(...kinds.map((kind) => kind.sample)).map((samples): Sample => {
    const named = (part: 'wire' | 'column') => Object.fromEntries(samples.map((sample, at) => [`f${at}`, sample[part]]))
    return { wire: named('wire'), column: named('column') as ColumnValue }
  }),
})

function kindAt(depth: number): fc.Arbitrary<Kind> {
  const some = fc
    .tuple(leaf, fc.boolean(), fc.integer({ min: 0, max: 2 }))
    .map(([kind, isFirst, chance]) => (chance === 0 ? nullable(kind, isFirst) : kind))
  if (depth === 0) return some
  const inner = kindAt(depth - 1)
  const nested = fc.oneof(
    inner.map(arrayOf),
    inner.map(mapOf),
    fc.array(inner, { minLength: 1, maxLength: 4 }).map(recordOf),
  )
  const optional = fc.tuple(nested, fc.boolean()).map(([kind, isFirst]) => nullable(kind, isFirst))
  return fc.oneof({ weight: 3, arbitrary: some }, { weight: 2, arbitrary: nested }, { weight: 1, arbitrary: optional })
}

/** Gives each named type the next name: a schema may not define one twice. */
function withNames(schema: unknown, next: () => string): unknown {
  if (Array.isArray(schema)) return schema.map((branch) => withNames(branch, next))
  if (typeof schema !== 'object' || schema === null) return schema
  const node: Record<string, unknown> = { ...schema }
  if (node.type === 'record' || node.type === 'enum' || node.type === 'fixed') node.name = next()
  if (node.items !== undefined) node.items = withNames(node.items, next)
  if (node.values !== undefined) node.values = withNames(node.values, next)
  if (Array.isArray(node.fields)) {
    node.fields = node.fields.map((field) => ({ ...field, type: withNames(field.type, next) }))
  }
  return node
}

export interface SchemaAndSamples {
  readonly schema: unknown
  readonly samples: readonly Sample[]
}

/** A record schema with up to `fieldsMax` fields, and up to `samplesMax` values of it. */
export const schemaAndSamples = (fieldsMax: number, samplesMax: number): fc.Arbitrary<SchemaAndSamples> =>
  fc
    .array(kindAt(2), { minLength: 1, maxLength: fieldsMax })
    .map(recordOf)
    .chain((kind) => {
      let count = 0
      const schema = withNames(kind.schema, () => `N${count++}`)
      return fc.record({
        schema: fc.constant(schema),
        samples: fc.array(kind.sample, { minLength: 1, maxLength: samplesMax }),
      })
    })
