import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson, writeJson } from '../../../src/shared/iceberg/json.ts'

describe('lossless JSON', () => {
  test('64-bit ids beyond 2^53 survive, where JSON.parse rounds them', () => {
    const text = '{"snapshot-id":8744736658442914487,"parent":-9223372036854775808,"small":9007199254740991}'
    expect(parseJson(text)).toEqual({
      'snapshot-id': 8744736658442914487n,
      parent: -9223372036854775808n,
      small: 9007199254740991,
    })
    expect(writeJson(parseJson(text))).toBe(text)
  })

  test('any JSON value reads as JSON.parse reads it, but for integers beyond 2^53', () => {
    const asDigits = (value: unknown): unknown =>
      Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(String(value))
        ? BigInt(String(value))
        : value
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(parseJson(text)).toStrictEqual(JSON.parse(text, (_, member) => asDigits(member)))
      }),
    )
  })

  test('any 64-bit integer is written and read back as itself', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(BigInt(String(parseJson(writeJson({ value: [value] }).replace(/^.*\[|\].*$/g, ''))))).toBe(value)
      }),
    )
  })

  test('text that is not JSON is refused with its position', () => {
    for (const text of [
      '',
      '{',
      '{"a":1,}',
      '[1 2]',
      '01',
      '1.',
      '"a',
      '"\n"',
      '{"a":1}x',
      'nul',
      '-',
      '1e999',
      "{'a':1}",
    ]) {
      expect(() => parseJson(text), text).toThrow(SyntaxError)
    }
  })

  test('hostile nesting is an error and not the end of the stack', () => {
    expect(() => parseJson('['.repeat(1_000_000))).toThrow('nested deeper')
  })

  test('a member called __proto__ stays a member', () => {
    const text = '{"__proto__":{"polluted":1}}'
    expect(writeJson(parseJson(text))).toBe(text)
    expect('polluted' in {}).toBe(false)
  })

  test('undefined members are left out, what JSON lacks is refused', () => {
    expect(writeJson({ a: undefined, b: 1 })).toBe('{"b":1}')
    expect(() => writeJson(Number.NaN)).toThrow('NaN')
  })
})
