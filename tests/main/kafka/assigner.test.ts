import { expect, test } from 'vitest'
import { sharePartitions } from '../../../src/main/kafka/assigner.ts'

const counts: Readonly<Record<string, number>> = { a: 4, b: 3, c: 1 }
const partitionsOf = (topic: string): number[] =>
  Array.from({ length: counts[topic] ?? 0 }, (_, partition) => partition)
const share = (members: Readonly<Record<string, readonly string[]>>) =>
  Object.fromEntries(
    sharePartitions(
      Object.entries(members).map(([memberId, topics]) => ({ memberId, topics })),
      partitionsOf,
    ),
  )

test('a topic goes to the members that asked for it alone, each partition once', () => {
  expect(share({ x: ['a'], y: ['b'], z: ['a', 'b'] })).toEqual({
    x: { a: [0, 2] },
    y: { b: [0, 2] },
    z: { a: [1, 3], b: [1] },
  })
})
test('who has least so far is dealt the next topic first', () => {
  expect(share({ x: ['b', 'c'], y: ['b', 'c'] })).toEqual({ x: { b: [0, 2] }, y: { b: [1], c: [0] } })
})
test('a member beyond the partitions gets none, and is told so', () => {
  expect(share({ x: ['c'], y: ['c'] })).toEqual({ x: { c: [0] }, y: {} })
})
