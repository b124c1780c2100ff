// Topics whose writer schema changes while their records come: what is written under which schema, and what each row must be afterwards.

interface Field {
  readonly name: string
  readonly type: unknown
  readonly aliases?: readonly string[]
  readonly default?: unknown
}
/** Values of one record, by field; decimals as unscaled numbers. */
type Values = Readonly<Record<string, unknown>>

export interface Version {
  readonly fields: readonly Field[]
  readonly record: (index: number) => Values
  /** The row as both readers must see it: decimals as text, maps as pairs, the columns of every version. */
  readonly row: (index: number) => Values
}
export interface EvolutionCase {
  readonly name: string
  readonly versions: readonly Version[]
  /** Iceberg type of columns afterwards. */
  readonly types: Readonly<Record<string, string>>
}

const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale })
/** Two bytes, big-endian. */
const unscaled = (value: number): Buffer => Buffer.from([value >> 8, value & 255])
const part = (fields: readonly Field[]) => ({ type: 'record', name: 'Part', fields })
const id: Field = { name: 'id', type: 'long' }
const narrow = [{ name: 'q', type: 'int' }]
const wide = [
  { name: 'venue', type: ['null', 'string'], default: null },
  { name: 'q', type: 'long' },
]
const BIG = 5_000_000_000

/** What one of two versions has of a field of type record, and what the row holds of it. */
const inside = (
  name: string,
  type: (fields: readonly Field[]) => unknown,
  hold: (value: unknown) => unknown,
  seen = hold,
) => ({
  name,
  versions: [
    {
      fields: [id, { name: 'x', type: type(narrow) }],
      record: (index: number) => ({ id: index, x: hold({ q: index }) }),
      row: (index: number) => ({ id: index, x: seen({ q: index, venue: null }) }),
    },
    {
      fields: [id, { name: 'x', type: type(wide) }],
      record: (index: number) => ({ id: index, x: hold({ venue: `v${index}`, q: BIG + index }) }),
      row: (index: number) => ({ id: index, x: seen({ q: BIG + index, venue: `v${index}` }) }),
    },
  ],
  types: {},
})

export const compatibleCases: readonly EvolutionCase[] = [
  {
    name: 'added',
    versions: [
      { fields: [id], record: (index) => ({ id: index }), row: (index) => ({ id: index, a: null, b: null, p: null }) },
      {
        fields: [
          { name: 'a', type: 'string', default: 'none' },
          id,
          { name: 'b', type: ['null', 'int'], default: null },
          { name: 'p', type: part(narrow), default: { q: 0 } },
        ],
        record: (index) => ({ a: `a${index}`, id: index, b: index % 4 === 1 ? null : index, p: { q: index } }),
        row: (index) => ({ id: index, a: `a${index}`, b: index % 4 === 1 ? null : index, p: { q: index } }),
      },
    ],
    types: { id: 'long', a: 'string', b: 'int' },
  },
  {
    name: 'widened',
    versions: [
      {
        fields: [
          { name: 'n', type: 'int' },
          { name: 'f', type: 'float' },
          { name: 'd', type: decimal(4, 2) },
        ],
        record: (index) => ({ n: 0 - index, f: index / 4, d: unscaled(index) }),
        row: (index) => ({ n: 0 - index, f: index / 4, d: (index / 100).toFixed(2) }),
      },
      {
        fields: [
          { name: 'n', type: 'long' },
          { name: 'f', type: 'double' },
          { name: 'd', type: decimal(20, 2) },
        ],
        record: (index) => ({ n: BIG + index, f: index / 10, d: unscaled(30_000 + index) }),
        row: (index) => ({ n: BIG + index, f: index / 10, d: (300 + index / 100).toFixed(2) }),
      },
    ],
    types: { n: 'long', f: 'double', d: 'decimal(20, 2)' },
  },
  {
    name: 'loosened',
    versions: [
      { fields: [{ name: 's', type: 'string' }], record: (i) => ({ s: `s${i}` }), row: (i) => ({ s: `s${i}` }) },
      { fields: [{ name: 's', type: ['string', 'null'] }], record: () => ({ s: null }), row: () => ({ s: null }) },
    ],
    types: { s: 'string' },
  },
  {
    name: 'renamed',
    versions: [
      {
        fields: [id, { name: 'price', type: 'int' }],
        record: (i) => ({ id: i, price: i }),
        row: (i) => ({ id: i, price: i }),
      },
      {
        fields: [{ name: 'cost', aliases: ['price'], type: 'long' }, id],
        record: (index) => ({ cost: BIG + index, id: index }),
        row: (index) => ({ id: index, price: BIG + index }),
      },
    ],
    types: { id: 'long', price: 'long' },
  },
  {
    name: 'removed',
    versions: [
      {
        fields: [id, { name: 'a', type: 'string' }, { name: 'b', type: 'boolean' }],
        record: (index) => ({ id: index, a: `a${index}`, b: true }),
        row: (index) => ({ id: index, a: `a${index}`, b: true, c: null }),
      },
      {
        fields: [{ name: 'b', type: 'boolean' }, id],
        record: (i) => ({ b: false, id: i }),
        row: (i) => ({ id: i, a: null, b: false, c: null }),
      },
      {
        fields: [{ name: 'c', type: 'double', default: 0 }, id],
        record: (index) => ({ c: index / 2, id: index }),
        row: (index) => ({ id: index, a: null, b: null, c: index / 2 }),
      },
    ],
    types: { id: 'long', a: 'string', b: 'boolean', c: 'double' },
  },
  inside('in_record', part, (value) => value),
  inside(
    'in_list',
    (fields) => ({ type: 'array', items: part(fields) }),
    (value) => [value, value],
  ),
  inside(
    'in_map',
    (fields) => ({ type: 'map', values: part(fields) }),
    (value) => ({ k: value }),
    (value) => [['k', value]],
  ),
]

/** The second schema of each is refused, with this in the error. */
export const incompatibleCases: readonly (EvolutionCase & {
  readonly path: string
  readonly types2: readonly string[]
})[] = [
  {
    name: 'rescaled',
    versions: [
      {
        fields: [{ name: 'd', type: decimal(8, 2) }],
        record: (i) => ({ d: unscaled(i) }),
        row: (i) => ({ d: (i / 100).toFixed(2) }),
      },
      { fields: [{ name: 'd', type: decimal(8, 3) }], record: (i) => ({ d: unscaled(i) }), row: () => ({}) },
    ],
    types: { d: 'decimal(8, 2)' },
    path: 'd',
    types2: ['decimal(8, 3)', 'decimal(8, 2)'],
  },
  {
    name: 'retyped',
    versions: [
      {
        fields: [id, { name: 'x', type: part([{ name: 's', type: 'string' }]) }],
        record: (i) => ({ id: i, x: { s: 's' } }),
        row: (i) => ({ id: i, x: { s: 's' } }),
      },
      {
        fields: [id, { name: 'x', type: part([{ name: 's', type: 'long' }]) }],
        record: (i) => ({ id: i, x: { s: 1 } }),
        row: () => ({}),
      },
    ],
    types: {},
    path: 'x.s',
    types2: ['long', 'string'],
  },
]
