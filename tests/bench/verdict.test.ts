// The verdict of a bench: ratios against the baseline, gates against their limits.
import { expect, test } from 'vitest'
import { type Figure, type Gate, measurePair, median, rateFigure, timeFigure } from '../../bench/figure.ts'
import { renderFigures, renderGates, renderProblem } from '../../bench/report.ts'
import { findProblems, parseBaseline } from '../../bench/verdict.ts'

const figure = (name: string, ratio: number, gates: readonly Gate[] = []): Figure => ({
  name,
  value: ratio * 100,
  unit: 'msg/s',
  reference: { name: 'the other', value: 100, unit: 'msg/s' },
  ratio,
  cpuUsPerMessage: null,
  rssMb: null,
  runs: [ratio * 100],
  gates,
})
const gate = (kind: Gate['kind'], value: number): Gate => ({ name: 'memory', value, unit: 'MB', limit: 700, kind })

test('a ratio fails below 0.85 of its baseline, not at it, and only its own figure', () => {
  const figures = [figure('a', 0.85), figure('b', 0.849), figure('c', 3)]
  expect(findProblems(figures, { a: 1, b: 1, c: 1 })).toEqual([
    { kind: 'regression', figure: 'b', ratio: 0.849, baseline: 1 },
  ])
})

test('a figure without a baseline is no regression', () => {
  expect(findProblems([figure('new', 0.01)], { other: 1 })).toEqual([])
})

test('a figure without a reference has no ratio to fall', () => {
  expect(findProblems([{ ...figure('freshness', 1), reference: null, ratio: null }], { freshness: 1 })).toEqual([])
})

test('gates count whatever the baseline says: a maximum may be met, a minimum must be', () => {
  const kept = [gate('max', 700), gate('min', 700)]
  const missed = [gate('max', 700.1), gate('min', 699.9)]
  const problems = findProblems([figure('line', 1, [...kept, ...missed])], {})
  expect(problems).toEqual(missed.map((one) => ({ kind: 'gate', figure: 'line', gate: one })))
  expect(problems.map(renderProblem)).toEqual([
    'line: memory is 700.1 MB, not ≤ 700.0 MB',
    'line: memory is 699.9 MB, not ≥ 700.0 MB',
  ])
})

test('the tables name value, reference, baseline and the gates that are missed', () => {
  const figures = [figure('line', 0.5, [gate('max', 800)])]
  expect(renderFigures(figures, { line: 0.6 })).toMatch(/line .*50\.00 msg\/s .*100\.0 msg\/s .*0\.50 .*0\.60/)
  expect(renderGates(figures)).toContain('MISSED')
})

test('a baseline that is no object of positive numbers is refused', () => {
  expect(parseBaseline('{"ratios": {"a": 0.5}}')).toEqual({ a: 0.5 })
  for (const json of ['{}', '{"ratios": null}', '{"ratios": {"a": "1"}}', '{"ratios": {"a": 0}}']) {
    expect(() => parseBaseline(json)).toThrow('bench/baseline.json')
  }
})

test('a ratio above 1 is better than the reference, for rates and for times', () => {
  const pair = { valueMs: [40, 10, 20], referenceMs: [40, 40, 40], cpuUs: 300, referenceCpuUs: 900 }
  const common = { name: 'x', records: 50, referenceName: 'the other', pair }
  const rate = rateFigure({ ...common, unit: 'records/s', amount: 50 })
  const time = timeFigure({ ...common, unit: 'µs/row', scale: 1000 / 50 })
  expect([rate.value, rate.reference?.value, rate.ratio]).toEqual([2500, 1250, 2])
  expect([time.value, time.reference?.value, time.ratio]).toEqual([400, 800, 2])
  expect(rate.cpuUsPerMessage).toBe(2)
  expect(rate.details).toEqual([{ name: 'ratio by CPU time', value: 3, unit: '×' }])
})

test('the median of an even number of values lies between the two in the middle', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7])
})

test('value and reference are measured in turn, after warm-ups that do not count', async () => {
  const calls: string[] = []
  const pair = await measurePair(
    2,
    () => calls.push('value'),
    () => calls.push('reference'),
    1,
  )
  expect(calls).toEqual(['value', 'reference', 'value', 'reference', 'value', 'reference'])
  expect([pair.valueMs.length, pair.referenceMs.length]).toEqual([2, 2])
})
