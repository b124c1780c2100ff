import { describe, expect, test } from 'vitest'
import { parseAvroSchema } from '../../../src/shared/avro/avro-schema.ts'
import { compileDecoder } from '../../../src/shared/avro/decoder.ts'
import { batchPicture } from '../../support/column-values.ts'
import { type Bench, decode, decodeField, fieldOf, ownRows } from '../../support/decoder-bench.ts'
import { avroString, zigzag } from '../../support/trade-v2.ts'

describe('numbers', () => {
  test('an int of five bytes is read, one of six or beyond 32 bits is refused', () => {
    expect(decodeField('int', [0xff, 0xff, 0xff, 0xff, 0x0f])).toBe(-0x80000000)
    expect(decodeField('int', [0xff, 0xff, 0xff, 0xff, 0x1f])).toBe('RECORD_VARINT')
    expect(decodeField('int', [0x80, 0x80, 0x80, 0x80, 0x80, 0x00])).toBe('RECORD_VARINT')
  })

  test('a long of ten bytes is read, one of eleven or beyond 64 bits is refused', () => {
    const nine = Array(9).fill(0xff)
    expect(decodeField('long', [...nine, 0x01])).toBe(-(1n << 63n))
    expect(decodeField('long', [...nine, 0x02])).toBe('RECORD_VARINT')
    expect(decodeField('long', [...nine, 0x80, 0x00])).toBe('RECORD_VARINT')
    expect(decodeField('long', Array(40).fill(0x80))).toBe('RECORD_VARINT')
  })

  test('a padded number is the number that it says', () => {
    expect(decodeField('long', [0x82, 0x80, 0x00])).toBe(1n)
    expect(decodeField(['null', 'int'], [0x82, 0x80, 0x00, 0x04])).toBe(2)
    expect(decodeField(['null', 'int'], [0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x04])).toBe(2)
  })

  test('milliseconds become microseconds, or are refused where they do not fit', () => {
    const millis = { type: 'long', logicalType: 'timestamp-millis' }
    for (const value of [0n, -1n, 1_768_300_000_123n, 9_223_372_036_854_775n, -9_223_372_036_854_775n]) {
      expect(decodeField(millis, zigzag(value))).toBe(value * 1000n)
    }
    for (const value of [9_223_372_036_854_776n, -9_223_372_036_854_776n, (1n << 63n) - 1n, -(1n << 63n)]) {
      expect(decodeField(millis, zigzag(value))).toBe('RECORD_VALUE')
    }
  })

  test('a boolean is 0 or 1', () => {
    expect(decodeField('boolean', [1])).toBe(true)
    expect(decodeField('boolean', [2])).toBe('RECORD_VALUE')
    expect(decodeField('boolean', [0x80, 0])).toBe('RECORD_VALUE')
  })
})

describe('decimals', () => {
  const decimalOf = (precision: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale: 0 })
  const encoded = (value: bigint, size: number): number[] => [
    ...zigzag(size),
    ...Buffer.from(
      BigInt.asUintN(8 * size, value)
        .toString(16)
        .padStart(2 * size, '0'),
      'hex',
    ),
  ]

  test('the largest value of each precision is read, the next is refused', () => {
    for (let precision = 1; precision <= 38; precision += 1) {
      const limit = 10n ** BigInt(precision)
      for (const size of [16, 17, 20]) {
        expect(decodeField(decimalOf(precision), encoded(limit - 1n, size))).toBe(limit - 1n)
        expect(decodeField(decimalOf(precision), encoded(1n - limit, size))).toBe(1n - limit)
        expect(decodeField(decimalOf(precision), encoded(limit, size))).toBe('RECORD_VALUE')
        expect(decodeField(decimalOf(precision), encoded(-limit, size))).toBe('RECORD_VALUE')
      }
    }
  })

  test('a value beyond 128 bits is refused, whatever its lower bits are', () => {
    expect(decodeField(decimalOf(38), encoded((1n << 128n) + 1n, 20))).toBe('RECORD_VALUE')
    expect(decodeField(decimalOf(38), encoded((1n << 127n) + 1n, 17))).toBe('RECORD_VALUE')
    expect(decodeField(decimalOf(38), encoded(-(1n << 128n) + 1n, 20))).toBe('RECORD_VALUE')
  })

  test('a decimal of no bytes, or of more than there are, is refused', () => {
    expect(decodeField(decimalOf(9), [0])).toBe('RECORD_VALUE')
    expect(decodeField(decimalOf(9), [...zigzag(2), 1])).toBe('RECORD_BOUND')
    expect(decodeField(decimalOf(9), [...zigzag(1n << 40n), 1])).toBe('RECORD_BOUND')
  })
})

describe('text', () => {
  const bad = [
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82],
    [0xff],
    [0x80],
    [0x61, 0x62, 0x63, 0xc3],
    [...Array(300).fill(0x61), 0xc3, 0x28],
  ]
  test('a string that is not UTF-8 is refused, in a dictionary and in plain bytes', () => {
    for (const bytes of bad) {
      expect(decodeField('string', [...zigzag(bytes.length), ...bytes])).toBe('RECORD_VALUE')
      expect(decodeField('bytes', [...zigzag(bytes.length), ...bytes])).toEqual(Uint8Array.from(bytes))
    }
    const bench = fieldOf('string')
    for (let index = 0; index < 6000; index += 1) expect(decode(bench, avroString(`value ${index}`))).toBeNull()
    expect(bench.batch.columns[0]?.kind).toBe('bytes')
    const before = batchPicture(bench.batch)
    for (const bytes of bad) expect(decode(bench, [...zigzag(bytes.length), ...bytes])?.code).toBe('RECORD_VALUE')
    expect(batchPicture(bench.batch)).toEqual(before)
  })

  test('a length beyond the value or below 0 is refused', () => {
    for (const length of [4n, 1000n, 1n << 31n, 1n << 32n, 1n << 62n, -1n, -(1n << 63n)]) {
      expect(decodeField('string', [...zigzag(length), 97, 97, 97])).toBe('RECORD_BOUND')
    }
  })
})

describe('enums and unions', () => {
  const side = { type: 'enum', name: 'Side', symbols: ['BUY', 'SELL'] }
  test('an index that does not exist is refused', () => {
    expect(decodeField(side, zigzag(1))).toBe('SELL')
    for (const index of [2, -1, 0x7fffffff, -0x80000000, 1n << 32n])
      expect(decodeField(side, zigzag(index))).toBe('RECORD_VALUE')
    expect(decodeField(['null', 'int'], [...zigzag(2), 0])).toBe('RECORD_VALUE')
    expect(decodeField(['null', 'int'], [...zigzag(-1), 0])).toBe('RECORD_VALUE')
    expect(decodeField(['int', 'null'], zigzag(1))).toBe(null)
    expect(decodeField(['int'], [0, 4])).toBe(2)
    expect(decodeField(['int'], [2, 4])).toBe('RECORD_VALUE')
  })

  test('symbols keep their text when the dictionary of their column gives way to plain bytes', () => {
    const table = fieldOf('string')
    const writer = parseAvroSchema(JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'f', type: side }] }))
    const enums: Bench = { ...table, decoder: compileDecoder(writer, table.schema, table.batch) }
    const expected: unknown[] = []
    for (let index = 0; index < 5000; index += 1) {
      expect(decode(table, avroString(`text ${index}`))).toBeNull()
      expect(decode(enums, zigzag(index & 1))).toBeNull()
      expected.push({ f: `text ${index}` }, { f: index & 1 ? 'SELL' : 'BUY' })
    }
    expect(ownRows(table)).toEqual(expected)
  })
})
