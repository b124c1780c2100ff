// The partition value of one row under one transform (Iceberg spec, "Partition Transforms"), read from its column. Encode worker.
// Invariant: a null is null under every transform; equal values here are equal partition values, and the other way round.
import { assert } from '../errors.ts'
import type { PartitionValue } from '../iceberg/data-file.ts'
import { hashBytes, hashLong } from '../iceberg/murmur3.ts'
import type { IcebergType } from '../iceberg/schema.ts'
import { decimalBound } from './bounds.ts'
import type { Column, DictionaryColumn, Int64Column } from './column-batch.ts'
import { isPresent } from './validity.ts'

export type ValueAt = (row: number) => PartitionValue

const isTime = (type: string): boolean => type === 'timestamp' || type === 'timestamptz'
const wholeTypes = ['int', 'long', 'date', 'timestamp', 'timestamptz']

/** Why files cannot be written for a transform of a column of this type; null where they can. */
export function transformMisfit(transform: string, type: IcebergType): string | null {
  if (transform === 'void') return null
  const [, base = '', size] = /^(\w+)(?:\[(\d+)\])?$/.exec(transform) ?? []
  if (typeof type !== 'string') return `${base} of a ${type.type}, which is no single value`
  const plain = type.replace(/[([].*$/, '')
  const types = sourceTypes[base]
  if (types === undefined || (base === 'bucket' || base === 'truncate') !== (size !== undefined)) {
    return `${transform} is no transform that K2 writes`
  }
  return types.includes(plain) ? null : `${base} of ${type}; K2 writes it of ${types.join(', ')}`
}

const sourceTypes: Readonly<Record<string, readonly string[]>> = {
  identity: [...wholeTypes, 'boolean', 'string'],
  year: ['date', 'timestamp', 'timestamptz'],
  month: ['date', 'timestamp', 'timestamptz'],
  day: ['date', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns'],
  hour: ['timestamp', 'timestamptz'],
  bucket: [...wholeTypes, 'string', 'binary', 'fixed', 'decimal', 'uuid'],
  truncate: ['int', 'long', 'string'],
}

/** Reader of the values of a column; `day` of times has a faster one in partitioning.ts. The transform fits the type. */
export function valueReader(column: Column, type: string, transform: string): ValueAt {
  const [, base = '', size = '0'] = /^(\w+)(?:\[(\d+)\])?$/.exec(transform) ?? []
  const read = presentReader(column, type, base, Number(size))
  const { validity } = column
  return validity === null ? read : (row) => (isPresent(validity, row) ? read(row) : null)
}

function presentReader(column: Column, type: string, base: string, size: number): ValueAt {
  switch (base) {
    case 'identity':
      return identityReader(column)
    case 'bucket':
      return bucketReader(column, size)
    case 'truncate':
      return truncateReader(column, size)
    case 'year':
    case 'month': {
      const days = daysReader(column, type)
      return (row) => monthsOf(days(row), base)
    }
    case 'day':
      return daysReader(column, type)
    default:
      assert(base === 'hour' && column.kind === 'int64', `a transform that K2 writes, not ${base}`)
      return (row) => Math.floor(shifted(column, row, hours.shift) / hours.units)
  }
}

/** 3,600,000,000 µs = 2^10 × 3,515,625; 86,400,000,000 µs = 2^13 × 10,546,875: the rest of 64 bits is exact in a double. */
const hours = { shift: 10, units: 3_515_625 } as const
const days = { shift: 13, units: 10_546_875 } as const

const shifted = ({ words }: Int64Column, row: number, shift: number): number =>
  (words[2 * row + 1] ?? 0) * 2 ** (32 - shift) + ((words[2 * row] ?? 0) >>> shift)

function daysReader(column: Column, type: string): (row: number) => number {
  if (column.kind === 'int32') return (row) => column.values[row] ?? 0
  assert(column.kind === 'int64' && isTime(type), `a time, not ${type}`)
  return (row) => Math.floor(shifted(column, row, days.shift) / days.units)
}

/** Months or years since 1970 of a day, in the proleptic Gregorian calendar: its cycle is 400 years of 146,097 days. */
function monthsOf(day: number, unit: 'month' | 'year'): number {
  const fromMarch = day + 719_468
  const era = Math.floor(fromMarch / 146_097)
  const ofEra = fromMarch - era * 146_097
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const month = (Math.floor((5 * ofYear + 2) / 153) + 2) % 12
  const year = era * 400 + yearOfEra + (month < 2 ? 1 : 0) - 1970
  return unit === 'year' ? year : year * 12 + month
}

/** A long as a number where exact, else as digits. */
function longAt({ words }: Int64Column, row: number): number | string {
  const [low, high] = [words[2 * row] ?? 0, words[2 * row + 1] ?? 0]
  const value = high * 4_294_967_296 + (low >>> 0)
  return Number.isSafeInteger(value) ? value : String((BigInt(high) << 32n) | BigInt(low >>> 0))
}

function identityReader(column: Column): ValueAt {
  switch (column.kind) {
    case 'int32':
      return (row) => column.values[row] ?? 0
    case 'int64':
      return (row) => longAt(column, row)
    case 'boolean':
      return (row) => String(column.values[row] === 1)
    default:
      return textReader(column, (bytes, start, end) => textOf(bytes, start, end))
  }
}

function truncateReader(column: Column, width: number): ValueAt {
  switch (column.kind) {
    case 'int32':
      return (row) => floorTo(column.values[row] ?? 0, width)
    case 'int64':
      return (row) => {
        const value = BigInt(longAt(column, row))
        const rest = value % BigInt(width)
        const floor = value - (rest < 0n ? rest + BigInt(width) : rest)
        return Number.isSafeInteger(Number(floor)) ? Number(floor) : String(floor)
      }
    default:
      return textReader(column, (bytes, start, end) => [...textOf(bytes, start, end)].slice(0, width).join(''))
  }
}

const floorTo = (value: number, width: number): number => value - (((value % width) + width) % width)

function bucketReader(column: Column, count: number): ValueAt {
  const bucket = (hash: number): number => (hash & 0x7fffffff) % count
  switch (column.kind) {
    case 'int32':
      return (row) => bucket(hashLong(column.values[row] ?? 0, (column.values[row] ?? 0) >> 31))
    case 'int64':
      return (row) => bucket(hashLong(column.words[2 * row] ?? 0, column.words[2 * row + 1] ?? 0))
    case 'fixed':
      return (row) => bucket(hashBytes(column.bytes, row * column.size, (row + 1) * column.size))
    case 'decimal':
      return (row) => {
        const word = (index: number): number => column.words[4 * row + index] ?? 0
        const bytes = decimalBound([word(0), word(1), word(2), word(3)])
        return bucket(hashBytes(bytes, 0, bytes.length))
      }
    default:
      return textReader(column, (bytes, start, end) => bucket(hashBytes(bytes, start, end)))
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const textOf = (bytes: Uint8Array, start: number, end: number): string => decoder.decode(bytes.subarray(start, end))

type OfBytes = (bytes: Uint8Array, start: number, end: number) => PartitionValue

/** An entry of a dictionary is read once. */
function textReader(column: Column, of: OfBytes): ValueAt {
  if (column.kind === 'dictionary') return entryReader(column, of)
  assert(column.kind === 'bytes', `text or bytes, not ${column.kind}`)
  return (row) => of(column.bytes, column.offsets[row] ?? 0, column.offsets[row + 1] ?? 0)
}

function entryReader(column: DictionaryColumn, of: OfBytes): ValueAt {
  const known: PartitionValue[] = []
  return (row) => {
    const entry = column.indices[row] ?? 0
    known[entry] ??= of(column.bytes, column.offsets[entry] ?? 0, column.offsets[entry + 1] ?? 0)
    return known[entry] ?? null
  }
}
