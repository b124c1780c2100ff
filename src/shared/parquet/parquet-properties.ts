// How a table wants its Parquet files, from its properties `write.parquet.*` (Iceberg, "Table behavior properties"). Pure, read once
// when a table is opened. Invariant: a value that Iceberg's own writers refuse is refused here too, by name, before anything is
// written; a property that is not set has Iceberg's default, but for the level of zstd (page-compression.ts).
import { IngestError } from '../errors.ts'
import type { ParquetCodec } from './page-compression.ts'

/** Plain data: it crosses threads within a table's layout. Sizes are uncompressed bytes, about. */
export interface ParquetProperties {
  readonly codec: ParquetCodec
  /** Null: the default of the codec. */
  readonly level: number | null
  readonly rowGroupBytes: number
  readonly pageBytes: number
  readonly pageRows: number
  readonly dictionaryBytes: number
}

const sizes = {
  rowGroupBytes: { property: 'write.parquet.row-group-size-bytes', default: 134_217_728 },
  pageBytes: { property: 'write.parquet.page-size-bytes', default: 1_048_576 },
  pageRows: { property: 'write.parquet.page-row-limit', default: 20_000 },
  dictionaryBytes: { property: 'write.parquet.dict-size-bytes', default: 2_097_152 },
} as const

const codecProperty = 'write.parquet.compression-codec'
const levelProperty = 'write.parquet.compression-level'

/** Names as Iceberg takes them, in any case. */
const codecs: ReadonlyMap<string, ParquetCodec> = new Map<string, ParquetCodec>([
  ['zstd', 'zstd'],
  ['snappy', 'snappy'],
  ['lz4', 'lz4'],
  ['lz4_raw', 'lz4'],
  ['gzip', 'gzip'],
  ['uncompressed', 'uncompressed'],
])

export const codecNames: readonly string[] = [...codecs.keys()]
export const codecNamed = (name: string): ParquetCodec | undefined => codecs.get(name.toLowerCase())

/** Lowest and highest level of a codec; undefined where it has none. */
export const levelRange = (codec: ParquetCodec): readonly [min: number, max: number] | undefined => levels[codec]

/** The properties of a new table that say so. */
export const compressionProperties = (codec: ParquetCodec, level: number | null): Readonly<Record<string, string>> => ({
  [codecProperty]: codec === 'lz4' ? 'lz4_raw' : codec,
  ...(level === null ? {} : { [levelProperty]: String(level) }),
})

/** Lowest and highest level; the others have none, and one that is set for them is passed over, as Iceberg does. */
const levels: Partial<Record<ParquetCodec, readonly [min: number, max: number]>> = { zstd: [1, 22], gzip: [0, 9] }

export const standardProperties: ParquetProperties = parquetProperties({}, '')

/** `table`: its name, for errors. Errors: TABLE_PROPERTY, with the first one that cannot be used. */
export function parquetProperties(properties: Readonly<Record<string, string>>, table: string): ParquetProperties {
  const text = (property: string): string | null =>
    Object.hasOwn(properties, property) ? (properties[property] ?? null) : null
  const refuse = (property: string, allowed: string): IngestError =>
    new IngestError('TABLE_PROPERTY', { table, property, value: text(property) ?? '', allowed })
  const size = ({ property, default: standard }: { readonly property: string; readonly default: number }): number => {
    const given = text(property)
    if (given === null) return standard
    const value = wholeNumber(given)
    if (value === null || value < 1 || value > sizeMax) throw refuse(property, `1 to ${sizeMax}`)
    return value
  }
  const codec = codecs.get((text(codecProperty) ?? 'zstd').toLowerCase())
  if (codec === undefined) throw refuse(codecProperty, [...codecs.keys()].join(', '))
  const level = ((): number | null => {
    const given = text(levelProperty)
    const range = levels[codec]
    if (given === null || range === undefined) return null
    const value = wholeNumber(given)
    if (value === null || value < range[0] || value > range[1]) throw refuse(levelProperty, range.join(' to '))
    return value
  })()
  return {
    codec,
    level,
    rowGroupBytes: size(sizes.rowGroupBytes),
    pageBytes: size(sizes.pageBytes),
    pageRows: size(sizes.pageRows),
    dictionaryBytes: size(sizes.dictionaryBytes),
  }
}

/** Iceberg keeps sizes in 32 bits. */
const sizeMax = 0x7fffffff

const wholeNumber = (text: string): number | null => (/^\d{1,10}$/.test(text.trim()) ? Number(text) : null)
