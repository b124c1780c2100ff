import { expect, test } from 'vitest'
import { frameBytes, readSchemaId, writeFrame } from '../../../src/shared/avro/framing.ts'

test('a written frame is magic byte 0 and the id, big-endian', () => {
  const bytes = new Uint8Array(8).fill(9)
  expect(writeFrame(bytes, 1, 0x01020304)).toBe(1 + frameBytes)
  expect([...bytes]).toEqual([9, 0, 1, 2, 3, 4, 9, 9])
})

test.each([0, 1, 255, 256, 65_536, 0x7fffffff, 0x80000000, 0xffffffff])('id %i is read as it was written', (id) => {
  const bytes = new Uint8Array(7)
  writeFrame(bytes, 2, id)
  expect(readSchemaId(bytes, 2, 7)).toBe(id)
})

test('a value that is too short or has another magic byte is not framed', () => {
  expect(readSchemaId(new Uint8Array(0), 0, 0)).toBe(-1)
  expect(readSchemaId(Uint8Array.of(0, 0, 0, 1), 0, 4)).toBe(-1)
  expect(readSchemaId(Uint8Array.of(1, 0, 0, 0, 1, 5), 0, 6)).toBe(-1)
})

test('the end of the value counts, not the end of the buffer', () => {
  const bytes = Uint8Array.of(0, 0, 0, 0, 7, 1, 1)
  expect(readSchemaId(bytes, 0, 4)).toBe(-1)
  expect(readSchemaId(bytes, 0, 5)).toBe(7)
})
