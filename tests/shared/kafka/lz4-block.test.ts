import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeLz4Block, slackBytes } from '../../../src/shared/kafka/lz4-block.ts'

interface Sequence {
  readonly literals: number
  readonly distance: number
  readonly match: number
}

const sequence = fc.record({
  literals: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 400 })),
  distance: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 65535 })),
  match: fc.oneof(fc.integer({ min: 4, max: 24 }), fc.integer({ min: 4, max: 700 })),
})

const lengthBytes = (length: number): number[] => {
  const bytes: number[] = []
  for (let left = length - 15; left >= 0; left -= 255) bytes.push(Math.min(255, left))
  return bytes
}

/** The block, and what it means, byte by byte; the last sequence has literals only. */
function blockOf(history: Uint8Array, sequences: readonly Sequence[]): { block: Uint8Array; value: number[] } {
  const value = [...history]
  const block: number[] = []
  let byte = 7
  sequences.forEach(({ literals, distance, match }, index) => {
    const last = index === sequences.length - 1
    const matched = match - 4
    block.push((Math.min(15, literals) << 4) | (last ? 0 : Math.min(15, matched)), ...lengthBytes(literals))
    for (let done = 0; done < literals; done++) {
      byte = (byte * 31 + 11) & 255
      block.push(byte)
      value.push(byte)
    }
    if (last) return
    const back = Math.min(distance, Math.max(1, value.length))
    block.push(back & 255, back >> 8, ...lengthBytes(matched))
    for (let done = 0; done < match; done++) value.push(value[value.length - back] ?? 0)
  })
  return { block: Uint8Array.from(block), value }
}

function decode(block: Uint8Array, history: Uint8Array, size: number, historyFrom = 0): Uint8Array | number {
  // Surrounded, so that a read or write outside shows.
  const source = new Uint8Array(block.length + 6).fill(0xaa)
  source.set(block, 3)
  const memory = new Uint8Array(size + slackBytes + 8).fill(0xbb)
  memory.set(history)
  const end = decodeLz4Block(
    new DataView(source.buffer),
    3,
    3 + block.length,
    new DataView(memory.buffer),
    history.length,
    size,
    historyFrom,
  )
  expect([...memory.subarray(size + slackBytes)]).toEqual(new Array(8).fill(0xbb))
  return end < 0 ? end : memory.slice(0, end)
}

test('any sequences come out as their bytes, also matches that overlap themselves or reach into the block before', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.array(sequence, { minLength: 1, maxLength: 12 }),
      (history, sequences) => {
        const { block, value } = blockOf(history, sequences)
        expect(decode(block, history, value.length)).toEqual(Uint8Array.from(value))
        const tooSmall = decode(block, history, value.length - 1)
        if (value.length > history.length) expect(tooSmall).toBe(-1)
      },
    ),
    { numRuns: 500 },
  )
})

test('a match below the history that is allowed, or of distance 0, is refused', () => {
  const history = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
  const reaching = Uint8Array.of(0x10, 9, 4, 0, 0x00)
  expect(decode(reaching, history, 100, 0)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 7, 8, 9))
  expect(decode(reaching, history, 100, 8)).toBe(-1)
  expect(decode(Uint8Array.of(0x10, 9, 0, 0, 0x00), history, 100)).toBe(-1)
})

test('a block cut anywhere, or with any byte changed, ends in a value within its room or in a refusal', () => {
  const { block, value } = blockOf(Uint8Array.of(1), [
    { literals: 17, distance: 3, match: 30 },
    { literals: 0, distance: 12, match: 300 },
    { literals: 5, distance: 1, match: 4 },
  ])
  for (let size = 0; size < block.length; size++) {
    const cut = decode(block.subarray(0, size), Uint8Array.of(1), value.length)
    if (typeof cut !== 'number') expect(cut.length).toBeLessThan(value.length)
  }
  fc.assert(
    fc.property(fc.nat(block.length - 1), fc.nat(255), (at, byte) => {
      const changed = Uint8Array.from(block)
      changed[at] = byte
      const back = decode(changed, Uint8Array.of(1), value.length)
      if (typeof back !== 'number') expect(back.length).toBeLessThanOrEqual(value.length)
    }),
    { numRuns: 500 },
  )
})
