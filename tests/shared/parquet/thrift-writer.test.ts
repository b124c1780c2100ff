import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { expect, it } from 'vitest'
import { ByteSink } from '../../../src/shared/parquet/byte-sink.ts'
import { ThriftWriter, thriftType } from '../../../src/shared/parquet/thrift-writer.ts'

function read(write: (thrift: ThriftWriter) => void): unknown {
  const sink = new ByteSink()
  const thrift = new ThriftWriter(sink)
  thrift.begin()
  write(thrift)
  thrift.end()
  const bytes = sink.copy()
  const reader = { view: new DataView(bytes.buffer), offset: 0 }
  const message = deserializeTCompactProtocol(reader)
  expect(reader.offset).toBe(bytes.length)
  return message
}

it('writes every type so that an independent reader finds it, far apart fields and nested structs among them', () => {
  const message = read((thrift) => {
    thrift.bool(1, true)
    thrift.bool(2, false)
    thrift.byte(3, 5)
    thrift.int16(4, -300)
    thrift.int32(5, -2147483648)
    thrift.int64(40, 2 ** 52)
    thrift.struct(41)
    thrift.text(1, 'é')
    thrift.emptyStruct(3)
    thrift.end()
    thrift.int32(42, 7)
    thrift.list(43, thriftType.int32, 3)
    for (const value of [1, -1, 2147483647]) thrift.intElement(value)
    thrift.list(44, thriftType.bool, 2)
    thrift.boolElement(true)
    thrift.boolElement(false)
    thrift.list(45, thriftType.binary, 20)
    for (let index = 0; index < 20; index++) thrift.binaryElement(Uint8Array.of(index))
  })
  expect(message).toEqual({
    field_1: true,
    field_2: false,
    field_3: 5,
    field_4: -300,
    field_5: -2147483648,
    field_40: 2n ** 52n,
    field_41: { field_1: new TextEncoder().encode('é'), field_3: {} },
    field_42: 7,
    field_43: [1, -1, 2147483647],
    field_44: [true, false],
    field_45: Array.from({ length: 20 }, (_, index) => Uint8Array.of(index)),
  })
})

it('writes numbers at the limits of their bytes', () => {
  for (const value of [0, 63, 64, -64, -65, 8191, 8192, 2 ** 31, 2 ** 35, -(2 ** 40), 2 ** 52, -(2 ** 52)]) {
    expect(read((thrift) => thrift.int64(1, value))).toEqual({ field_1: BigInt(value) })
  }
})
