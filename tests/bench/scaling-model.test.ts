// What a rate of messages needs: by hand for one case, and by its proportions.
import { expect, test } from 'vitest'
import { renderScaling, type ScalingInputs, scale, standardAssumptions } from '../../bench/scaling-model.ts'

const inputs: ScalingInputs = {
  at: '2026-01-01T00:00:00.000Z',
  cpu: 'a | processor',
  node: '24.0.0',
  messages: 10_000_000,
  cpuUsPerMessage: 2,
  mainCpuUsPerMessage: 0.3,
  brokerCpuUsPerMessage: 0.06,
  rssMb: 512,
  brokerBytesPerMessage: 80,
  tableBytesPerMessage: 40,
  rowsPerFile: 50_000,
  commitMs: 100,
}
const at = (rate: number, given = inputs): Readonly<Record<string, number>> =>
  Object.fromEntries(scale(given, standardAssumptions, rate).map(({ name, value }) => [name, value]))

test('a million messages a second, by hand', () => {
  expect(at(1e6)).toMatchObject({
    'cores of K2': 2 / 0.6,
    'messages a second of a pod': 1_200_000,
    pods: 1,
    'bytes from the brokers': 80,
    partitions: 8,
    'data files a day, before compaction': 1_728_000,
    'commits a second, all tables': 1,
    'S3 PUT requests a day': 1_728_000 + 86_400 * 3,
    'table grows a day': 3.456,
    'broker disks': (80 * 86_400 * 3) / 1e6,
  })
})

test('a pod is bound by its main thread where that is the slower part', () => {
  expect(at(1e6, { ...inputs, mainCpuUsPerMessage: 1.2 })['messages a second of a pod']).toBeCloseTo(500_000)
})

test('a slow pod commits by its interval, a fast one by the records of a commit', () => {
  expect(at(100_000)['commits a second, all tables']).toBe(0.1)
  expect(at(500_000)['commits a second, all tables']).toBe(0.5)
})

test('more pods than the time of one table holds commits for need more tables', () => {
  expect(at(100e6)).toMatchObject({ pods: 84, 'tables, so that commits do not queue': 20 })
})

test('the document names inputs, assumptions, formulas and three rates', () => {
  const text = renderScaling(inputs)
  for (const part of [
    '2026-01-01',
    '2 µs/msg',
    '| Need | Formula | 1 M msg/s | 10 M msg/s | 100 M msg/s |',
    '$0.005',
  ]) {
    expect(text).toContain(part)
  }
  expect(text).not.toContain('NaN')
})
