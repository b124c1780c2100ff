import { isUtf8 as isUtf8Natively } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isUtf8 } from '../../../src/shared/columns/utf8.ts'

test('every sequence of up to three bytes is judged as the runtime judges it', () => {
  const bytes = new Uint8Array(3)
  let different = 0
  for (let first = 0; first < 256; first += 1) {
    for (let second = 0; second < 256; second += 1) {
      bytes.set([first, second, 0x80])
      for (const size of [1, 2, 3]) {
        if (isUtf8(bytes, 0, size) !== isUtf8Natively(bytes.subarray(0, size))) different += 1
      }
    }
  }
  expect(different).toBe(0)
})

test('bytes at random, text and changed text are judged as the runtime judges them', () => {
  const changed = fc.tuple(fc.string({ unit: 'binary' }), fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
    const bytes = Uint8Array.from(Buffer.from(text))
    if (bytes.length > 0) bytes[at % bytes.length] = byte
    return bytes
  })
  const four = fc.tuple(fc.integer({ min: 0xe0, max: 0xff }), fc.uint8Array({ minLength: 3, maxLength: 3 }))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    changed,
    four.map(([first, rest]) => Uint8Array.of(first, ...rest)),
  )
  fc.assert(
    fc.property(bytes, (value) => {
      expect(isUtf8(Uint8Array.of(0x80, ...value, 0x80), 1, 1 + value.length)).toBe(isUtf8Natively(value))
    }),
    { numRuns: 2000 },
  )
})
