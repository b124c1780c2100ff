// ParquetEncoder by parquet-wasm (the Rust writer of Apache Arrow): any schema, any Node version. Holds the one wasm instance of its
// thread. Invariant: writer properties are built for each file (`writeParquet` consumes them; used twice they silently mean
// uncompressed defaults), and after a Rust panic the instance is never used again.
import {
  Compression,
  Encoding,
  Table,
  type WriterProperties,
  WriterPropertiesBuilder,
  writeParquet,
} from 'parquet-wasm'
import type { ColumnBatch } from '../columns/column-batch.ts'
import { IngestError } from '../errors.ts'
import type { IcebergSchema } from '../iceberg/schema.ts'
import { arrowStream } from './arrow.ts'
import { type ColumnEncoding, chooseEncoding, type EncodingSet } from './column-encoding.ts'
import type { ParquetCodec } from './page-compression.ts'
import type { EncodedParquet, ParquetEncoder } from './parquet-encoder.ts'
import { readFooter } from './parquet-footer.ts'
import { type ParquetProperties, standardProperties } from './parquet-properties.ts'

/** No level of compression and no limit of rows in a page: parquet-wasm 0.8.0 has no call for them. */
export interface ParquetWasmOptions extends Pick<ParquetProperties, 'codec' | 'pageBytes' | 'dictionaryBytes'> {
  readonly rowGroupRowsMax: number
  /** `basic` takes about a third more time. */
  readonly encodings: EncodingSet
}

/** One row group for every chunk of usual size: 128 MB of TradeV2 in memory are far below it. */
export const standardOptions: ParquetWasmOptions = {
  codec: standardProperties.codec,
  pageBytes: standardProperties.pageBytes,
  dictionaryBytes: standardProperties.dictionaryBytes,
  rowGroupRowsMax: 1_000_000,
  encodings: 'delta',
}

export class ParquetWasmEncoder implements ParquetEncoder {
  readonly #options: ParquetWasmOptions

  constructor(options: Partial<ParquetWasmOptions> = {}) {
    this.#options = { ...standardOptions, ...options }
  }

  encode(batch: ColumnBatch, schema: IcebergSchema): EncodedParquet {
    if (instance.panic !== null) throw new IngestError('PARQUET', { reason: 'encoder failed before' }, instance.panic)
    const stream = arrowStream(batch, schema)
    const bytes = guarded(() => writeStream(stream, () => writerProperties(batch, schema, this.#options)))
    return { bytes, ...readFooter(bytes, schema) }
  }
}

/** The wasm instance belongs to the module, so its end does too, whichever encoder met it. */
const instance: { panic: Error | null } = { panic: null }

/** Runs a call into wasm. A Rust panic surfaces as WebAssembly.RuntimeError and leaves the instance in any state. */
function guarded<T>(call: () => T): T {
  try {
    return call()
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'RuntimeError') instance.panic = cause
    throw new IngestError('PARQUET', { panic: instance.panic !== null }, cause)
  }
}

function writeStream(stream: Uint8Array, properties: () => WriterProperties): Uint8Array {
  const table = Table.fromIPCStream(stream)
  let built: WriterProperties
  try {
    built = properties()
  } catch (cause) {
    table.free()
    throw cause
  }
  return writeParquet(table, built)
}

const encodings = {
  plain: Encoding.PLAIN,
  'delta-binary-packed': Encoding.DELTA_BINARY_PACKED,
  'delta-length-byte-array': Encoding.DELTA_LENGTH_BYTE_ARRAY,
  'delta-byte-array': Encoding.DELTA_BYTE_ARRAY,
} as const satisfies Record<ColumnEncoding['values'], Encoding>

const codecs = {
  zstd: Compression.ZSTD,
  snappy: Compression.SNAPPY,
  lz4: Compression.LZ4_RAW,
  gzip: Compression.GZIP,
  uncompressed: Compression.UNCOMPRESSED,
} as const satisfies Record<ParquetCodec, Compression>

/** Tuned to the values of the batch; built anew for each file. */
export function writerProperties(
  batch: ColumnBatch,
  schema: IcebergSchema,
  options: ParquetWasmOptions,
): WriterProperties {
  let builder = new WriterPropertiesBuilder()
    .setCompression(codecs[options.codec])
    .setCreatedBy('k2 (parquet-wasm)')
    .setMaxRowGroupSize(options.rowGroupRowsMax)
    .setDataPageSizeLimit(options.pageBytes)
    .setDictionaryPageSizeLimit(options.dictionaryBytes)
  schema.fields.forEach(({ name }, index) => {
    const column = batch.columns[index]
    const encoding = column === undefined ? null : chooseEncoding(column, options.encodings)
    // Leaves below a list, map or struct cannot be named: parquet-wasm takes the name for a path of one part.
    if (encoding === null) return
    builder = builder
      .setColumnDictionaryEnabled(name, encoding.dictionary)
      .setColumnEncoding(name, encodings[encoding.values])
  })
  return builder.build()
}
