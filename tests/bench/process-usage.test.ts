// CPU and memory of a process as the bench sees them from outside.
import { expect, test } from 'vitest'
import { cpuBetween, cpuUsOf, watchProcess } from '../../bench/process-usage.ts'

const sample = (atMs: number, cpuMs: number, mainCpuMs: number) => ({ atMs, cpuMs, mainCpuMs, rssMb: 1 })

test('CPU between two times is taken from the samples nearest to them', () => {
  const samples = [sample(0, 0, 0), sample(100, 80, 20), sample(200, 150, 30), sample(300, 300, 90)]
  expect(cpuBetween(samples, 90, 290)).toEqual({ wallMs: 200, cpuMs: 220, mainCpuMs: 70 })
  expect(cpuBetween(samples, 90, 110)).toBeNull()
  expect(cpuBetween([], 0, 1)).toBeNull()
})

test('a process that works is seen working', async () => {
  const before = cpuUsOf(process.pid) ?? Number.NaN
  const watch = watchProcess(process.pid)
  const until = process.cpuUsage().user + 150_000
  while (process.cpuUsage().user < until);
  const samples = watch.stop()
  const [first, last] = [samples[0], samples.at(-1)]
  expect((last?.cpuMs ?? 0) - (first?.cpuMs ?? 0)).toBeGreaterThan(100)
  expect((cpuUsOf(process.pid) ?? 0) - before).toBeGreaterThan(100_000)
  expect(last?.rssMb).toBeGreaterThan(10)
})

test('a process that is not there has no CPU time', () => {
  expect(cpuUsOf(2 ** 22 + 1)).toBeNull()
  expect(watchProcess(2 ** 22 + 1).stop()).toEqual([])
})
