// What `npm run bench` takes, and what it refuses.
import { expect, test } from 'vitest'
import { parseArguments, type When } from '../../bench/arguments.ts'

const figures: ReadonlyMap<string, When> = new Map<string, When>([
  ['decode', 'always'],
  ['encode', 'always'],
  ['memory', 'long'],
  ['peer', 'python'],
])
const usual = { messages: 2_000_000, runs: 3, minutes: 10, node: null, saveBaseline: false }

test('without words the usual figures are measured, three runs of 2,000,000 messages', () => {
  expect(parseArguments([], figures)).toEqual({
    kind: 'run',
    arguments: { ...usual, only: ['decode', 'encode'] },
  })
})

test('some figures, messages and runs can be asked for', () => {
  expect(parseArguments(['--only', 'encode', '--messages', '1000', '--runs=5', '--save-baseline'], figures)).toEqual({
    kind: 'run',
    arguments: { ...usual, only: ['encode'], messages: 1000, runs: 5, saveBaseline: true },
  })
})

test('long figures and those of a peer come when asked for, and more messages with the long ones', () => {
  expect(parseArguments(['--long'], figures)).toEqual({
    kind: 'run',
    arguments: { ...usual, only: ['decode', 'encode', 'memory'], messages: 10_000_000 },
  })
  expect(parseArguments(['--peer', 'python', '--long', '--messages', '5', '--node', '24'], figures)).toEqual({
    kind: 'run',
    arguments: { ...usual, only: ['decode', 'encode', 'memory', 'peer'], messages: 5, node: '24' },
  })
})

test('all that is wrong is said at once', () => {
  const parsed = parseArguments(
    ['--only', 'decode,nothing', '--messages', '0', '--runs', '1.5', '--peer', 'perl'],
    figures,
  )
  expect(parsed).toEqual({
    kind: 'refused',
    reasons: [
      "--only: there is no figure 'nothing'; there are decode, encode, memory, peer",
      "--messages: '0' is no whole number above 0",
      "--runs: '1.5' is no whole number above 0",
      "--peer: there is no peer 'perl'; there is python",
    ],
  })
})

test.each([['--onyl', 'decode'], ['decode'], ['--messages'], ['--node=']])('%s is refused', (...words) => {
  expect(parseArguments(words, figures).kind).toBe('refused')
})
