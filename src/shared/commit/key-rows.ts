// The rows of a data file by what they claim to be: topic id, partition and offset, a row group at a time. One thread. Used where marks
// do not count or must be proven. Invariant: never a guess; a row without the three columns claims no record, and a file in which they
// cannot be told is an error. Iceberg's own writers may leave out a column that a file of an older schema never had.
import { gunzipSync } from 'node:zlib'
import type { AsyncBuffer, Compressors, RowGroup, SchemaElement } from 'hyparquet'
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { IngestError } from '../errors.ts'
import type { DataFile } from '../iceberg/data-file.ts'
import type { TableMetadata } from '../iceberg/metadata.ts'
import type { LiveFile } from '../iceberg/read-table.ts'
import { decompressZstd } from '../kafka/zstd.ts'
import type { Store } from '../store/store.ts'

/** Field ids of the columns that say which record a row is. */
export interface ProvenanceIds {
  readonly topicId: number
  readonly partition: number
  readonly offset: number
}

/** Values as the file has them; null or undefined where there is none. */
export interface KeyRow {
  readonly topicId: unknown
  readonly partition: unknown
  readonly offset: unknown
}

export const uncountable = (why: string): IngestError =>
  new IngestError('POSITIONS_UNTRUSTED', { reason: 'rows-missing', why })

/** Errors: POSITIONS_UNTRUSTED where the table lacks one of the columns. */
export function provenanceIds(metadata: TableMetadata): ProvenanceIds {
  const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  const idOf = (name: string): number => {
    const field = schema?.fields.find((each) => each.name === name)
    if (field === undefined) throw uncountable(`the table has no column ${name}`)
    return field.id
  }
  return { topicId: idOf('kafka_topic_id'), partition: idOf('kafka_partition'), offset: idOf('kafka_offset') }
}

/**
 * The rows of each row group that may hold an offset of [first, next). Nothing where the file lacks one of the columns: its rows claim no
 * record. Errors: STORE_*, POSITIONS_UNTRUSTED (another format than Parquet, no field ids, an unknown codec, a damaged file).
 */
export async function* keyRows(
  store: Store,
  { file, format }: LiveFile,
  ids: ProvenanceIds,
  offsets: { readonly first: bigint; readonly next: bigint } | null = null,
): AsyncGenerator<readonly KeyRow[], void, undefined> {
  if (format !== 'PARQUET') throw uncountable(`${file.location} is a file of format ${format}`)
  const buffer = asyncBuffer(store, file)
  const metadata = await readable(file, () => parquetMetadataAsync(buffer))
  const names = columnNames(metadata.schema, ids, file)
  if (names === null) return
  const columns = [names.topicId, names.partition, names.offset]
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    if (offsets === null || mayHoldOffsets(group, names.offset, offsets)) {
      const range = { rowStart, rowEnd }
      const rows = await readable(file, () =>
        parquetReadObjects({ file: buffer, metadata, columns, compressors, ...range }),
      )
      yield rows.map((row) => ({
        topicId: row[names.topicId],
        partition: row[names.partition],
        offset: row[names.offset],
      }))
    }
    rowStart = rowEnd
  }
}

type ColumnNames = { readonly [Name in keyof ProvenanceIds]: string }

function columnNames(schema: readonly SchemaElement[], ids: ProvenanceIds, file: DataFile): ColumnNames | null {
  if (schema.every((element) => element.field_id === undefined)) {
    throw uncountable(`${file.location} has columns without field ids`)
  }
  const name = (id: number): string | undefined => schema.find((each) => each.field_id === id)?.name
  const [topicId, partition, offset] = [name(ids.topicId), name(ids.partition), name(ids.offset)]
  return topicId === undefined || partition === undefined || offset === undefined
    ? null
    : { topicId, partition, offset }
}

/** False only where the row group's own statistics exclude the offsets. */
function mayHoldOffsets(
  group: RowGroup,
  column: string,
  { first, next }: { readonly first: bigint; readonly next: bigint },
): boolean {
  const statistics = group.columns.find((each) => each.meta_data?.path_in_schema.join('.') === column)?.meta_data
    ?.statistics
  const { min_value: lowest, max_value: highest } = statistics ?? {}
  return (typeof lowest !== 'bigint' || lowest < next) && (typeof highest !== 'bigint' || highest >= first)
}

/** What the Parquet reader throws is no error of ours, but of a file that this reader cannot count. */
async function readable<T>(file: DataFile, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof IngestError) throw error
    throw uncountable(`${file.location} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const compressors: Compressors = {
  ZSTD: (input, length) => decompressZstd(input, length),
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
}

function asyncBuffer(store: Store, file: DataFile): AsyncBuffer {
  return {
    byteLength: file.sizeBytes,
    slice: async (first, next = file.sizeBytes) => {
      const from = first < 0 ? file.sizeBytes + first : first
      const bytes = await store.read(file.location, { first: from, next: next < 0 ? file.sizeBytes + next : next })
      return Uint8Array.from(bytes).buffer
    },
  }
}
