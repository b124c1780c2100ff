// What `npm run bench` takes, and what it refuses.
import { expect, test } from 'vitest'
import { parseArguments } from '../../bench/arguments.ts'

const names = ['decode', 'encode']

test('without words all figures are measured, three runs of 2,000,000 messages', () => {
  expect(parseArguments([], names)).toEqual({
    kind: 'run',
    arguments: { only: names, messages: 2_000_000, runs: 3, saveBaseline: false },
  })
})

test('some figures, messages and runs can be asked for', () => {
  expect(parseArguments(['--only', 'encode', '--messages', '1000', '--runs=5', '--save-baseline'], names)).toEqual({
    kind: 'run',
    arguments: { only: ['encode'], messages: 1000, runs: 5, saveBaseline: true },
  })
})

test('all that is wrong is said at once', () => {
  const parsed = parseArguments(['--only', 'decode,nothing', '--messages', '0', '--runs', '1.5'], names)
  expect(parsed).toEqual({
    kind: 'refused',
    reasons: [
      "--only: there is no figure 'nothing'; there are decode, encode",
      "--messages: '0' is no whole number above 0",
      "--runs: '1.5' is no whole number above 0",
    ],
  })
})

test.each([['--onyl', 'decode'], ['decode'], ['--messages']])('%s is refused', (...words) => {
  expect(parseArguments(words, names).kind).toBe('refused')
})
