// ParquetEncoder by pages of our own: ColumnBatch → levels, encoded values, compressed pages, footer, in one pass and without a value
// ever becoming an object. Encode worker, one file at a time; docs/parquet.md says why it is made as it is. Invariant: all that is
// said of a file (sizes, counts, bounds, offsets) was counted while its bytes were written; nothing is read back.
import type { Column, ColumnBatch } from '../columns/column-batch.ts'
import { childFields, leafFields } from '../columns/nested-fields.ts'
import { assert } from '../errors.ts'
import type { IcebergField, IcebergSchema } from '../iceberg/schema.ts'
import { ByteSink } from './byte-sink.ts'
import { type ChunkWritten, ColumnChunkWriter } from './column-chunk-writer.ts'
import type { EncodingSet } from './column-encoding.ts'
import { denseColumn } from './dense-column.ts'
import { magic, type RowGroupWritten, type SortingColumn, writeFooter } from './footer-writer.ts'
import { KeptEncodings } from './kept-encodings.ts'
import { type Entries, leafEntries, rowEntries, throughOptional, throughRepeated } from './levels.ts'
import { codecNumbers, type PageCompressor, pageCompressor } from './page-compression.ts'
import type { EncodedLeaf, EncodedParquet, ParquetEncoder } from './parquet-encoder.ts'
import { type ParquetProperties, standardProperties } from './parquet-properties.ts'
import { leafType } from './parquet-types.ts'
import { rowsPerGroup } from './row-group-size.ts'

export interface PageEncoderOptions extends ParquetProperties {
  readonly rowGroupRowsMax: number
  readonly encodings: EncodingSet
  /** In the form that parquet-java parses: `k2 version <version>`. */
  readonly createdBy: string
  /** How the rows of every batch are sorted; empty where they are not. */
  readonly sortedBy: readonly SortingColumn[]
}

const standardOptions: PageEncoderOptions = {
  ...standardProperties,
  rowGroupRowsMax: 1_000_000,
  encodings: 'delta',
  createdBy: 'k2 version 0.0.0',
  sortedBy: [],
}

const file = new ByteSink()

export class PageEncoder implements ParquetEncoder {
  readonly #options: PageEncoderOptions
  readonly #compress: PageCompressor
  readonly #encodings: KeptEncodings

  /** Errors: CODEC_UNSUPPORTED for zstd before Node 22.15. */
  constructor(options: Partial<PageEncoderOptions> = {}) {
    this.#options = { ...standardOptions, ...options }
    this.#encodings = new KeptEncodings(this.#options.encodings)
    this.#compress = pageCompressor(this.#options.codec, this.#options.level)
  }

  encode(batch: ColumnBatch, schema: IcebergSchema): EncodedParquet {
    const { rowCount, columns } = batch
    assert(columns.length === schema.fields.length, 'a batch has the columns of its schema')
    file.reset()
    file.append(magic)
    const writer = new ColumnChunkWriter(file, this.#compress, this.#options)
    const rowGroups: RowGroupWritten[] = []
    const rowsMax = rowsPerGroup(batch, this.#options)
    for (let first = 0; first < rowCount; first += rowsMax) {
      const rows = Math.min(rowsMax, rowCount - first)
      const chunks: ChunkWritten[] = []
      schema.fields.forEach((field, index) => {
        const column = columns[index]
        assert(column !== undefined && column.length === rowCount, `column ${field.name} has a value per row`)
        this.#writeTree({ field, column }, rowEntries(first, rows), 0, writer, chunks)
      })
      rowGroups.push({ rowCount: rows, chunks })
    }
    const { codec, createdBy, sortedBy } = this.#options
    writeFooter(file, { schema, rowCount, rowGroups, codec: codecNumbers[codec], createdBy, sortedBy })
    return {
      bytes: file.copy(),
      rowCount,
      leaves: leafFields(schema).map((field, leaf) => totals(field, rowGroups, leaf)),
      splitOffsets: rowGroups.map((group) => group.chunks[0]?.offset ?? 0),
    }
  }

  /** The leaves at and below a column, depth first. `depth` counts the steps from the root that keep levels. */
  #writeTree(
    { field, column }: Placed,
    above: Entries,
    depth: number,
    writer: ColumnChunkWriter,
    chunks: ChunkWritten[],
  ): void {
    const entries = field.required ? above : throughOptional(above, column.validity, depth)
    switch (column.kind) {
      case 'struct':
      case 'list':
      case 'map': {
        const below = column.kind === 'struct' ? entries : throughRepeated(entries, column.offsets, depth + 1)
        for (const child of placedChildren(field, column)) this.#writeTree(child, below, depth + 2, writer, chunks)
        return
      }
      default: {
        const leaf = leafEntries(entries)
        const type = leafType(field)
        const dense = denseColumn(column, type, leaf.positions, leaf.first, leaf.presentCount)
        const encoding = this.#encodings.of(column.field, dense)
        chunks.push(writer.write(type, leaf, dense, encoding))
      }
    }
  }
}

interface Placed {
  readonly field: IcebergField
  readonly column: Column
}

type NestedColumn = Extract<Column, { readonly kind: 'struct' | 'list' | 'map' }>

/** Field ids are those of the schema, whose fields stand in the order of the columns. */
function placedChildren(field: IcebergField, column: NestedColumn): readonly Placed[] {
  const columns =
    column.kind === 'struct' ? column.children : column.kind === 'list' ? [column.element] : [column.key, column.value]
  const fields = childFields(field.type)
  assert(fields.length === columns.length, `column ${field.name} has the children of its type`)
  return columns.flatMap((child, index) => {
    const childField = fields[index]
    return childField === undefined ? [] : [{ field: childField, column: child }]
  })
}

function totals(field: IcebergField, rowGroups: readonly RowGroupWritten[], leaf: number): EncodedLeaf {
  let [bytes, valueCount, nullCount] = [0, 0, 0]
  for (const { chunks } of rowGroups) {
    const chunk = chunks[leaf]
    bytes += chunk?.compressedBytes ?? 0
    valueCount += chunk?.valueCount ?? 0
    nullCount += chunk?.nullCount ?? 0
  }
  const [only, ...others] = rowGroups
  // Bounds of several row groups have no common column to be compared in; such a file is large, and rare.
  const bounds = others.length === 0 ? { bounds: only?.chunks[leaf]?.bounds ?? null } : {}
  return { fieldId: field.id, bytes, valueCount, nullCount, ...bounds }
}
