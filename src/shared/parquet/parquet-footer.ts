// What K2 needs of the footer of a Parquet file that it has in memory: rows, and per leaf its field id, sizes and counts, and where
// row groups start. Pure, any thread. Invariant: a footer is believed only where it names the leaves of the schema, in order.
import { type FileMetaData, parquetMetadata, type SchemaElement } from 'hyparquet'
import { leafFields } from '../columns/nested-fields.ts'
import { IngestError } from '../errors.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import type { EncodedLeaf, EncodedParquet } from './parquet-encoder.ts'

/** Errors: PARQUET where the footer cannot be read or its leaves carry other field ids than the schema's. */
export function readFooter(bytes: Uint8Array, schema: IcebergSchema): Omit<EncodedParquet, 'bytes'> {
  const metadata = parseFooter(bytes)
  const leaves = metadata.schema.filter((element) => element.type !== undefined)
  const expected = leafFields(schema)
  const fits = leaves.length === expected.length && leaves.every((leaf, at) => leaf.field_id === expected[at]?.id)
  if (!fits) throw new IngestError('PARQUET', { reason: 'field ids of the file are not those of the schema' })
  return {
    rowCount: Number(metadata.num_rows),
    leaves: leaves.map((leaf, at) => leafTotals(metadata, leaf, at)),
    splitOffsets: metadata.row_groups.map(startOf),
  }
}

function parseFooter(bytes: Uint8Array): FileMetaData {
  try {
    return parquetMetadata(bytes, { geoparquet: false })
  } catch (cause) {
    throw new IngestError('PARQUET', { reason: 'footer cannot be read' }, cause)
  }
}

function leafTotals(metadata: FileMetaData, leaf: SchemaElement, at: number): EncodedLeaf {
  let bytes = 0
  let valueCount = 0
  let nullCount: number | null = 0
  for (const rowGroup of metadata.row_groups) {
    const chunk = rowGroup.columns[at]?.meta_data
    bytes += Number(chunk?.total_compressed_size ?? 0)
    valueCount += Number(chunk?.num_values ?? 0)
    const nulls = chunk?.statistics?.null_count
    nullCount = nullCount === null || nulls === undefined ? null : nullCount + Number(nulls)
  }
  return { fieldId: leaf.field_id ?? -1, bytes, valueCount, nullCount }
}

/** First page of the first column: its dictionary, where it has one (Iceberg's split offsets are these). */
function startOf(rowGroup: FileMetaData['row_groups'][number]): number {
  const first = rowGroup.columns[0]?.meta_data
  const data = Number(first?.data_page_offset ?? 0)
  const dictionary = first?.dictionary_page_offset === undefined ? data : Number(first.dictionary_page_offset)
  return Math.min(data, dictionary)
}
