// Why a value cannot be read: numbers below 0 in the place of a position, so that readers on the hot path neither throw nor
// allocate. Pure. Invariant: every refusal belongs to one record and quarantines it; none ends the line.
import type { ErrorCode } from '../errors.ts'

export const truncated = -1
export const trailing = -2
export const varintTooLong = -3
export const intRange = -4
export const lengthNegative = -5
export const lengthBeyond = -6
export const countBeyond = -7
export const blockSize = -8
export const booleanByte = -9
export const enumIndex = -10
export const branchIndex = -11
export const notUtf8 = -12
export const decimalEmpty = -13
export const decimalDigits = -14
export const timestampRange = -15

interface Refusal {
  readonly code: ErrorCode
  readonly text: string
}

const table: Readonly<Record<number, Refusal>> = {
  [truncated]: { code: 'RECORD_TRUNCATED', text: 'the value ends here' },
  [trailing]: { code: 'RECORD_TRAILING_BYTES', text: 'the value goes on here' },
  [varintTooLong]: { code: 'RECORD_VARINT', text: 'a number of more bytes than its type has' },
  [intRange]: { code: 'RECORD_VARINT', text: 'a number beyond the bits of its type' },
  [lengthNegative]: { code: 'RECORD_BOUND', text: 'a length below 0' },
  [lengthBeyond]: { code: 'RECORD_BOUND', text: 'a length beyond the end of the value' },
  [countBeyond]: { code: 'RECORD_BOUND', text: 'a count of items that the bytes left cannot hold' },
  [blockSize]: { code: 'RECORD_BOUND', text: 'a block that does not have the size it states' },
  [booleanByte]: { code: 'RECORD_VALUE', text: 'a boolean that is neither 0 nor 1' },
  [enumIndex]: { code: 'RECORD_VALUE', text: 'an enum symbol that does not exist' },
  [branchIndex]: { code: 'RECORD_VALUE', text: 'a union branch that does not exist' },
  [notUtf8]: { code: 'RECORD_VALUE', text: 'a string that is not UTF-8' },
  [decimalEmpty]: { code: 'RECORD_VALUE', text: 'a decimal of no bytes' },
  [decimalDigits]: { code: 'RECORD_VALUE', text: 'a decimal of more digits than its precision' },
  [timestampRange]: { code: 'RECORD_VALUE', text: 'a timestamp beyond 64 bits of microseconds' },
}

/** The error code and text of a refusal. */
export const refusalOf = (number: number): Refusal =>
  table[number] ?? { code: 'INTERNAL', text: `refusal ${number} is not in the table` }
