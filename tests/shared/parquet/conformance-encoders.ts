// The encoders that the conformance is run on, each in the settings that matter: one row group or several.

import { isCodecWritable, type ParquetCodec } from '../../../src/shared/parquet/page-compression.ts'
import { PageEncoder } from '../../../src/shared/parquet/page-encoder.ts'
import type { ParquetEncoder } from '../../../src/shared/parquet/parquet-encoder.ts'
import { ParquetWasmEncoder } from '../../../src/shared/parquet/parquet-wasm-encoder.ts'

export interface EncoderCase {
  /** Short, and fit for a file name. */
  readonly name: string
  readonly make: () => ParquetEncoder
  /** Faults of the footer that we know of, cannot mend, and whose readers we know. */
  readonly knownFaults: RegExp | null
}

/**
 * arrow-rs takes a page for null where it has as many nulls as rows. In a repeated column, whose entries are not its rows, that says
 * nothing: a page with values may be called null, and one without values may have no bounds, which drops the column index. No reader
 * filters pages by what lies in a list or map; flat columns are not concerned.
 */
const nullPagesOfLists = /\.(?:list|key_value)\.[^:]*: (?:no column index|page \d+ is said to be null, wrongly)$/

/** zstd where this Node writes it (22.15 and newer), as the program does; a run that is there for it fails elsewhere. */
const standardCodec: ParquetCodec = isCodecWritable('zstd') || process.env['K2_TEST_CODEC'] === 'zstd' ? 'zstd' : 'lz4'

/** Small limits, so that few rows are many pages and row groups, and dictionaries overflow. */
const smallPages = { rowGroupRowsMax: 37, pageRows: 5, pageBytes: 256, dictionaryBytes: 64 } as const

export const encoderCases: readonly EncoderCase[] = [
  { name: 'wasm', make: () => new ParquetWasmEncoder(), knownFaults: nullPagesOfLists },
  { name: 'wasm-basic', make: () => new ParquetWasmEncoder({ encodings: 'basic' }), knownFaults: nullPagesOfLists },
  { name: 'wasm-groups', make: () => new ParquetWasmEncoder({ rowGroupRowsMax: 37 }), knownFaults: nullPagesOfLists },
  { name: 'pages', make: () => new PageEncoder({ codec: standardCodec }), knownFaults: null },
  { name: 'pages-basic', make: () => new PageEncoder({ codec: 'gzip', encodings: 'basic' }), knownFaults: null },
  { name: 'pages-small', make: () => new PageEncoder({ codec: 'snappy', ...smallPages }), knownFaults: null },
]
