// Which Parquet encoding a column gets, chosen from its values alone (never from its name). Encode worker. Invariant: every
// choice is lossless; a poor one costs bytes or time only.
import type {
  BytesColumn,
  Column,
  DecimalColumn,
  DictionaryColumn,
  FixedColumn,
  Float32Column,
  Float64Column,
} from '../columns/column-batch.ts'
import { decimalParameters } from '../columns/nested-fields.ts'
import {
  deltaBits,
  distinctShare,
  distinctShareOfWords,
  hashBytes,
  hashFixed,
  prefixShare,
  samplePositions,
} from './value-sample.ts'

/** `values`: the encoding of pages without dictionary, also of those after a dictionary has grown too large. */
export interface ColumnEncoding {
  readonly dictionary: boolean
  readonly values: 'plain' | 'delta-binary-packed' | 'delta-length-byte-array' | 'delta-byte-array'
}

/** What Parquet writers do by themselves. */
const standard: ColumnEncoding = { dictionary: true, values: 'plain' }
const plain: ColumnEncoding = { dictionary: false, values: 'plain' }

/** Share of distinct values above which a dictionary holds nearly every value once more. */
const distinctShareMax = 0.5
/** Share of repeated prefixes from which front coding pays for its time. */
const prefixShareMin = 0.25
/** Bits of a packed delta, as a share of the plain value, above which zstd on plain values does as well. */
const packedShareMax = 0.75

/**
 * `delta`: packed deltas and front coding where they pay. `basic`: plain and dictionary pages only, for readers without the others
 * (vectorized reads of Iceberg for Spark before apache/iceberg pull requests 13391 and 15362).
 */
export type EncodingSet = 'delta' | 'basic'

/** The encoding for a top-level column; null for nested ones, whose leaves are left to the writer. */
export function chooseEncoding(column: Column, allowed: EncodingSet): ColumnEncoding | null {
  if (column.nullCount === column.length) return standard
  const chosen = chooseFromValues(column, allowed)
  return allowed === 'basic' && chosen !== null ? { ...chosen, values: 'plain' } : chosen
}

function chooseFromValues(column: Column, allowed: EncodingSet): ColumnEncoding | null {
  switch (column.kind) {
    case 'struct':
    case 'list':
    case 'map':
      return null
    case 'boolean':
      return plain
    case 'dictionary':
      return dictionaryEncoding(column)
    case 'bytes':
      return bytesEncoding(column)
    case 'int32':
      return numberEncoding({ column, words: column.values, width: 1, plainBits: 32 }, allowed)
    case 'int64':
      return numberEncoding({ column, words: column.words, width: 2, plainBits: 64 }, allowed)
    case 'decimal':
      return decimalEncoding(column, allowed)
    case 'float32':
    case 'float64':
    case 'fixed':
      return repeatedOrPlain(column)
  }
}

const presentCount = (column: Column): number => column.length - column.nullCount

/** The decoder has counted the distinct values already. */
function dictionaryEncoding(column: DictionaryColumn): ColumnEncoding {
  const dictionary = column.entryCount <= Math.max(64, presentCount(column) * distinctShareMax)
  return { dictionary, values: 'delta-length-byte-array' }
}

function bytesEncoding(column: BytesColumn): ColumnEncoding {
  const positions = samplePositions(column)
  const distinct = distinctShare(hashBytes(column.bytes, column.offsets, positions))
  const prefixes = prefixShare(column.bytes, column.offsets, positions) >= prefixShareMin
  return {
    dictionary: distinct <= distinctShareMax,
    values: prefixes ? 'delta-byte-array' : 'delta-length-byte-array',
  }
}

/** Precision decides the physical type (Parquet spec, "DECIMAL"): INT32, INT64, or bytes, which have no packed deltas. */
function decimalEncoding(column: DecimalColumn, allowed: EncodingSet): ColumnEncoding {
  const { words } = column
  const precision = decimalParameters(column.field.type)?.precision ?? 38
  if (precision <= 18) {
    return numberEncoding({ column, words, width: 4, plainBits: precision > 9 ? 64 : 32 }, allowed)
  }
  return distinctShareOfWords(column, words, 4) <= distinctShareMax ? standard : plain
}

interface NumberValues {
  readonly column: Column
  readonly words: Int32Array
  /** Words per value. */
  readonly width: 1 | 2 | 4
  readonly plainBits: 32 | 64
}

/** Compares bits per value: dictionary (index plus its share of the entries), packed deltas, plain. */
function numberEncoding({ column, words, width, plainBits }: NumberValues, allowed: EncodingSet): ColumnEncoding {
  const positions = samplePositions(column)
  const present = presentCount(column)
  const distinct = distinctShareOfWords(column, words, width)
  const packedBits = allowed === 'delta' ? deltaBits(words, width, positions) : plainBits
  const dictionaryBits = Math.log2(distinct * present + 1) + plainBits * distinct
  return {
    dictionary: dictionaryBits < Math.min(packedBits, plainBits),
    values: packedBits < plainBits * packedShareMax ? 'delta-binary-packed' : 'plain',
  }
}

function repeatedOrPlain(column: Float32Column | Float64Column | FixedColumn): ColumnEncoding {
  const bytes = column.kind === 'fixed' ? column.bytes : bytesOf(column.values)
  const size = column.kind === 'fixed' ? column.size : column.values.BYTES_PER_ELEMENT
  return distinctShare(hashFixed(bytes, size, samplePositions(column))) <= distinctShareMax ? standard : plain
}

const bytesOf = (values: Float32Array | Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
