import avro from 'avsc'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AvroWriter } from '../../../src/main/feed/avro-writer.ts'

function written(write: (writer: AvroWriter) => void): Buffer {
  const writer = new AvroWriter()
  writer.reserve(4096)
  write(writer)
  return Buffer.from(writer.view(0, writer.at))
}

const long = avro.Type.forSchema('long')
const string = avro.Type.forSchema('string')
const bytes = avro.Type.forSchema('bytes')

test('longs are what avsc writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (value) => {
      expect(written((writer) => writer.long(value))).toEqual(long.toBuffer(value))
    }),
  )
  for (const value of [
    0,
    -1,
    63,
    64,
    2 ** 29 - 1,
    2 ** 29,
    -(2 ** 29),
    2 ** 30,
    2 ** 31,
    2 ** 35,
    2 ** 52,
    -(2 ** 52),
  ]) {
    expect(written((writer) => writer.long(value))).toEqual(long.toBuffer(value))
  }
})

test('strings are what avsc writes, beyond the first buffer too', () => {
  for (const text of ['', 'BHP', 'é€😀', 'x'.repeat(100_000)]) {
    expect(written((writer) => writer.string(text))).toEqual(string.toBuffer(text))
  }
})

const shortest = (value: bigint): Buffer => {
  const hex = value.toString(16)
  const even = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return (even[0] ?? 0) < 0x80 ? even : Buffer.concat([Buffer.of(0), even])
}

test('decimals are the shortest two’s complement, by either way of writing', () => {
  const edges = [7n, 8n, 15n, 16n, 23n, 24n, 31n, 32n, 39n, 40n, 47n, 48n, 52n].flatMap((bits) => [
    2n ** bits - 1n,
    2n ** bits,
  ])
  for (const value of [0n, 1n, ...edges]) {
    expect(written((writer) => writer.decimal(value))).toEqual(bytes.toBuffer(shortest(value)))
    expect(written((writer) => writer.smallDecimal(Number(value)))).toEqual(bytes.toBuffer(shortest(value)))
  }
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), (value) => {
      expect(written((writer) => writer.decimal(value))).toEqual(bytes.toBuffer(shortest(value)))
    }),
  )
})

test('a numbered string and a uuid are strings', () => {
  for (const value of [0, 9, 10, 4_123_456_789, 2 ** 53 - 1]) {
    expect(written((writer) => writer.numbered(Buffer.from('BINANCE-'), value))).toEqual(
      string.toBuffer(`BINANCE-${value}`),
    )
  }
  expect(written((writer) => writer.uuid(0x2ed6657d, 0xe927568b, 0x95e12665, 0xa8aea6a2))).toEqual(
    string.toBuffer('2ed6657d-e927-568b-95e1-2665a8aea6a2'),
  )
})
