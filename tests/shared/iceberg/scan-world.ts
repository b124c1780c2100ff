// Random tables of known rows as Iceberg metadata, and random conditions on them: what planning must keep is told by the rows
// themselves. Metrics and partition values are those of the rows, now and then left out or cut short, as writers do.
import fc from 'fast-check'
import type { AvroValue } from '../../../src/shared/iceberg/avro-value.ts'
import { encodeManifest, type FileRecord, type ManifestEntry } from '../../../src/shared/iceberg/manifest.ts'
import { encodeManifestList } from '../../../src/shared/iceberg/manifest-list.ts'
import { describeManifest } from '../../../src/shared/iceberg/manifest-merge.ts'
import type { Snapshot, TableMetadata } from '../../../src/shared/iceberg/metadata.ts'
import { newTableMetadata } from '../../../src/shared/iceberg/new-table.ts'
import type { CompareOperator, Literal, Predicate } from '../../../src/shared/iceberg/scan-predicate.ts'
import type { IcebergSchema, PartitionSpec } from '../../../src/shared/iceberg/schema.ts'
import { compareValues, type SingleValue, serializeValue } from '../../../src/shared/iceberg/single-value.ts'
import type { MemoryStore } from '../../support/memory-store.ts'

export const scanSchema: IcebergSchema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'n', required: false, type: 'long' },
    { id: 2, name: 's', required: false, type: 'string' },
    { id: 3, name: 'x', required: false, type: 'double' },
    { id: 4, name: 'd', required: false, type: 'decimal(9, 2)' },
    { id: 5, name: 't', required: false, type: 'timestamptz' },
    { id: 6, name: 'i', required: false, type: 'int' },
    { id: 7, name: 'b', required: false, type: 'boolean' },
    { id: 8, name: 'day', required: false, type: 'date' },
  ],
}

export const scanSpecs: readonly PartitionSpec[] = [
  { 'spec-id': 0, fields: [] },
  { 'spec-id': 1, fields: [{ 'source-id': 5, 'field-id': 1000, name: 't_day', transform: 'day' }] },
  {
    'spec-id': 2,
    fields: [
      { 'source-id': 2, 'field-id': 1001, name: 's', transform: 'identity' },
      { 'source-id': 5, 'field-id': 1002, name: 't_hour', transform: 'hour' },
    ],
  },
  { 'spec-id': 3, fields: [{ 'source-id': 8, 'field-id': 1003, name: 'day_month', transform: 'month' }] },
  { 'spec-id': 4, fields: [{ 'source-id': 4, 'field-id': 1004, name: 'd', transform: 'identity' }] },
  { 'spec-id': 5, fields: [{ 'source-id': 1, 'field-id': 1005, name: 'n_void', transform: 'void' }] },
]

/** In the order of the schema's fields. */
export type ScanRow = readonly (SingleValue | null)[]

const DAY = 86_400_000_000n
const HOUR = 3_600_000_000n
const floor = (value: bigint, by: bigint): bigint => (value - (((value % by) + by) % by)) / by

const texts = ['', 'BHP', 'BHPX', 'BI', 'RIO', 'ä', 'z', '\u{1F600}', '\uFFFD', 'rio']
const micros = fc.integer({ min: -60, max: 60 }).map((hours) => BigInt(hours) * HOUR * 5n)
const longs = fc.oneof(
  fc.integer({ min: -6, max: 6 }).map(BigInt),
  fc.constantFrom(9_007_199_254_740_993n, 9_007_199_254_740_992n, -(2n ** 63n)),
)
const cents = fc.integer({ min: -300, max: 300 }).map(BigInt)
const doubles = fc.constantFrom(-1.5, -0, 0, 0.1, 2, 3.25, Number.NaN, Number.POSITIVE_INFINITY)
const ints = fc.integer({ min: -5, max: 5 })

const values = [
  longs,
  fc.constantFrom(...texts),
  doubles,
  cents,
  micros,
  ints,
  fc.boolean(),
  fc.integer({ min: -70, max: 70 }),
] as const
const rows = fc
  .tuple(...values.map((value: fc.Arbitrary<SingleValue>) => fc.option(value, { freq: 6 })))
  .map((row): ScanRow => row)

/** Rows near each other, so that something is there to leave out. */
const fileRows = fc
  .tuple(rows, fc.array(fc.tuple(rows, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 })), { maxLength: 3 }))
  .map(([first, more]) => [
    first,
    ...more.map(([row, own]) => row.map((cell, at) => (own[at] ? cell : (first[at] ?? null)))),
  ])

export interface ScanFile {
  readonly specId: number
  readonly manifest: number
  readonly rows: readonly ScanRow[]
  /** Field ids whose metrics its writer did not give. */
  readonly silent: readonly number[]
  /** Characters to which bounds of text are cut. */
  readonly textMax: number
}

export const scanFiles: fc.Arbitrary<readonly ScanFile[]> = fc.array(
  fc
    .record({
      specId: fc.nat(scanSpecs.length - 1),
      manifest: fc.nat(1),
      rows: fileRows,
      silent: fc.subarray([1, 2, 3, 4, 5, 6, 7, 8], { maxLength: 2 }),
      textMax: fc.constantFrom(1, 2, 16),
    })
    // One partition a file: all its rows agree in what the spec is made of.
    .map((file) => ({ ...file, rows: inOnePartition(file.rows, file.specId) })),
  { minLength: 1, maxLength: 24 },
)

function inOnePartition(all: readonly ScanRow[], specId: number): readonly ScanRow[] {
  const sources = scanSpecs[specId]?.fields.map((field) => field['source-id'] - 1) ?? []
  return all.map((row) => row.map((cell, at) => (sources.includes(at) ? (all[0]?.[at] ?? null) : cell)))
}

function partitionOf({ specId, rows: [row] }: ScanFile): readonly AvroValue[] {
  return (scanSpecs[specId]?.fields ?? []).map((field): AvroValue => {
    const value = row?.[field['source-id'] - 1] ?? null
    if (value === null || field.transform === 'void') return null
    if (field.transform === 'day') return Number(floor(BigInt(Number(value)), DAY))
    if (field.transform === 'hour') return Number(floor(BigInt(Number(value)), HOUR))
    if (field.transform !== 'month') return value
    const date = new Date(Number(value) * 86_400_000)
    return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
  })
}

/** Cut as the spec allows: a prefix from below; from above one that is raised where something was cut. */
function textBound(text: string, max: number, which: 'lower' | 'upper'): string | null {
  const characters = [...text]
  if (characters.length <= max) return text
  const cut = characters.slice(0, max)
  if (which === 'lower') return cut.join('')
  const last = (cut.at(-1)?.codePointAt(0) ?? 0) + 1
  return last > 0x10ffff || last === 0xd800 ? null : [...cut.slice(0, -1), String.fromCodePoint(last)].join('')
}

function metricsOf(file: ScanFile): FileRecord['rest'] {
  const columns = scanSchema.fields.filter(({ id }) => !file.silent.includes(id))
  const cells = (id: number): readonly (SingleValue | null)[] => file.rows.map((row) => row[id - 1] ?? null)
  const count = (which: (cell: SingleValue | null) => boolean): AvroValue =>
    columns.map(({ id }) => ({ key: id, value: BigInt(cells(id).filter(which).length) }))
  const bound = (which: 'lower' | 'upper'): AvroValue =>
    columns.flatMap(({ id, type }) => {
      const sorted = cells(id)
        .filter((cell) => cell !== null)
        .filter((cell) => !Number.isNaN(cell))
        .toSorted(compareValues)
      const found = sorted.at(which === 'lower' ? 0 : -1)
      const value = typeof found === 'string' ? textBound(found, file.textMax, which) : found
      return value === undefined || value === null ? [] : [{ key: id, value: serializeValue(String(type), value) }]
    })
  return {
    value_counts: count(() => true),
    null_value_counts: count((cell) => cell === null),
    nan_value_counts: count((cell) => Number.isNaN(cell)),
    lower_bounds: bound('lower'),
    upper_bounds: bound('upper'),
  }
}

export interface ScanTable {
  readonly metadata: TableMetadata
  readonly snapshot: Snapshot
}

const SNAPSHOT_ID = 4_611_686_018_427_387_905n

/** Writes manifests and manifest list; files are called by their index. */
export async function writeScanTable(store: MemoryStore, files: readonly ScanFile[]): Promise<ScanTable> {
  const location = `${store.root}/t`
  const base = newTableMetadata(
    { schema: scanSchema, spec: { 'spec-id': 0, fields: [] }, location, properties: {} },
    { uuid: '9c12d441-03fe-4693-9a96-a0705ddf69c1', now: 1_000 },
  )
  const manifests = []
  for (const spec of scanSpecs) {
    for (const number of [0, 1, 2]) {
      const entries = files.flatMap((file, index): ManifestEntry[] =>
        file.specId === spec['spec-id'] && file.manifest === number ? [entryOf(file, index)] : [],
      )
      if (entries.length === 0) continue
      const bytes = encodeManifest({ schema: scanSchema, spec }, entries)
      const manifest = `${location}/m-${spec['spec-id']}-${number}.avro`
      await store.putIfAbsent(manifest, bytes)
      const description = { location: manifest, length: bytes.length, entries, schema: scanSchema, spec }
      manifests.push(describeManifest({ ...description, snapshotId: SNAPSHOT_ID }))
    }
  }
  const list = `${location}/list.avro`
  const header = { snapshotId: SNAPSHOT_ID, parentSnapshotId: null, sequenceNumber: 1n }
  await store.putIfAbsent(list, encodeManifestList(header, manifests))
  const snapshot: Snapshot = {
    'snapshot-id': SNAPSHOT_ID,
    'parent-snapshot-id': null,
    'sequence-number': 1n,
    'timestamp-ms': 1_000,
    'manifest-list': list,
    summary: { operation: 'append' },
    'schema-id': 0,
  }
  return { metadata: { ...base, 'partition-specs': scanSpecs, snapshots: [snapshot] }, snapshot }
}

const entryOf = (file: ScanFile, index: number): ManifestEntry => ({
  status: 'added',
  snapshotId: SNAPSHOT_ID,
  sequenceNumber: null,
  fileSequenceNumber: null,
  file: {
    content: 0,
    file_path: String(index),
    file_format: 'PARQUET',
    partition: partitionOf(file),
    record_count: BigInt(file.rows.length),
    file_size_in_bytes: 1n,
    rest: metricsOf(file),
  },
})

const operators: readonly CompareOperator[] = ['=', '!=', '<', '<=', '>', '>=']

const literals: readonly fc.Arbitrary<Literal>[] = [
  longs.map((value) => ({ kind: 'number', unscaled: value, scale: 0 })),
  fc.constantFrom(...texts).map((text) => ({ kind: 'text', text })),
  fc.integer({ min: -20, max: 40 }).map((value) => ({ kind: 'number', unscaled: BigInt(value), scale: 1 })),
  fc.tuple(cents, fc.nat(3)).map(([value, scale]) => ({ kind: 'number', unscaled: value, scale })),
  micros.map((value) => ({ kind: 'temporal', text: new Date(Number(value / 1000n)).toISOString() })),
  fc.tuple(ints, fc.nat(1)).map(([value, scale]) => ({ kind: 'number', unscaled: BigInt(value), scale })),
  fc.boolean().map((value) => ({ kind: 'boolean', value })),
  fc.integer({ min: -70, max: 70 }).map((days) => ({
    kind: 'text',
    text: new Date(days * 86_400_000).toISOString().slice(0, 10),
  })),
]

/** A predicate on some column. */
export const scanPredicate: fc.Arbitrary<Predicate> = fc.nat(scanSchema.fields.length - 1).chain((at) => {
  const column = scanSchema.fields[at]?.name ?? ''
  const literal = literals[at] ?? fc.constant({ kind: 'boolean', value: true } as const)
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('compare' as const),
        column: fc.constant(column),
        operator: fc.constantFrom(...operators),
        literal,
      }),
    },
    fc.record({
      kind: fc.constant('in' as const),
      column: fc.constant(column),
      literals: fc.array(literal, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('null' as const), column: fc.constant(column), isNull: fc.boolean() }),
  )
})

/** Whether a row satisfies a predicate as SQL has it, told without anything that planning uses: null never, NaN above all numbers. */
export function satisfies(row: ScanRow, predicate: Predicate): boolean {
  const at = scanSchema.fields.findIndex(({ name }) => name === predicate.column)
  const cell = row[at] ?? null
  if (predicate.kind === 'null') return (cell === null) === predicate.isNull
  if (cell === null) return false
  if (predicate.kind === 'in') return predicate.literals.some((literal) => order(cell, literal, at) === 0)
  const found = order(cell, predicate.literal, at)
  switch (predicate.operator) {
    case '=':
      return found === 0
    case '!=':
      return found !== 0
    case '<':
      return found < 0
    case '<=':
      return found <= 0
    case '>':
      return found > 0
    case '>=':
      return found >= 0
  }
}

function order(cell: SingleValue, literal: Literal, at: number): number {
  const sign = (left: bigint | number, right: bigint | number): number => (left < right ? -1 : left > right ? 1 : 0)
  if (Number.isNaN(cell)) return 1
  if (literal.kind === 'boolean') return Number(cell) - Number(literal.value)
  if (literal.kind !== 'number') {
    if (at === 1) return Buffer.compare(Buffer.from(String(cell)), Buffer.from(literal.text))
    const ms = Date.parse(literal.text)
    return at === 4 ? sign(BigInt(Number(cell)), BigInt(ms) * 1000n) : sign(Number(cell) * 86_400_000, ms)
  }
  if (typeof cell === 'number' && !Number.isInteger(cell)) {
    return sign(cell, Number(literal.unscaled) / 10 ** literal.scale)
  }
  const scale = at === 3 ? 2 : 0
  const [left, right] = [
    BigInt(Number.isFinite(cell) || typeof cell === 'bigint' ? (cell as bigint) : 0n),
    literal.unscaled,
  ]
  return sign(left * 10n ** BigInt(literal.scale), right * 10n ** BigInt(scale))
}
