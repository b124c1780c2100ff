import { expect, test } from 'vitest'
import { type MetricRow, metricTable } from '../../../src/main/serve/metric-table.ts'
import { Metrics } from '../../../src/main/serve/metrics.ts'
import { readExposition } from '../../support/exposition.ts'

const samplesOf = async (metrics: Metrics, name: string) =>
  readExposition(await metrics.text()).get(name)?.samples ?? []

test('every metric of the table is declared with its type, and names follow the rules of Prometheus', async () => {
  const families = readExposition(await new Metrics(10).text())
  for (const [name, row] of Object.entries<MetricRow>(metricTable)) {
    expect([name, families.get(name)?.type, families.get(name)?.help]).toEqual([name, row.type, row.help])
    expect(name).toMatch(row.type === 'counter' ? /^k2_[a-z0-9_]+_total$/ : /^k2_[a-z0-9_]+(?<!_total)$/)
    expect(name).not.toMatch(/_(?:ms|us|millis|kb|mb)(?:_|$)/)
  }
  const others = [...families.keys()].filter((name) => !(name in metricTable))
  expect(others.filter((name) => !/^k2_(?:process|nodejs)_/.test(name))).toEqual([])
  expect(others.length).toBeGreaterThan(10)
})

test('series beyond the limit are added up under "other", and counted once each', async () => {
  const metrics = new Metrics(2)
  for (const topic of ['a', 'b', 'c', 'd', 'c']) metrics.add('k2_records_consumed_total', { table: 't', topic }, 10)
  expect(await samplesOf(metrics, 'k2_records_consumed_total')).toEqual(
    [
      ['t', 'a', 10],
      ['t', 'b', 10],
      ['other', 'other', 30],
    ].map(([table, topic, value]) => ({ name: 'k2_records_consumed_total', labels: { table, topic }, value })),
  )
  expect(await samplesOf(metrics, 'k2_metric_series_dropped_total')).toMatchObject([
    { labels: { metric: 'k2_records_consumed_total' }, value: 2 },
  ])
})

test('a label of a closed set stays what it is where the rest is "other"', async () => {
  const metrics = new Metrics(1)
  metrics.add('k2_commits_total', { table: 'a', outcome: 'fenced' })
  metrics.add('k2_commits_total', { table: 'b', outcome: 'failed' })
  expect(await samplesOf(metrics, 'k2_commits_total')).toMatchObject([
    { labels: { table: 'a', outcome: 'fenced' } },
    { labels: { table: 'other', outcome: 'failed' } },
  ])
})

test('a gauge that is replaced forgets the series that are gone', async () => {
  const metrics = new Metrics(2)
  const lag = (...partitions: number[]) =>
    metrics.replace(
      'k2_lag_records',
      partitions.map((each) => ({ labels: { table: 't', topic: 'x', partition: String(each) }, value: 5 })),
    )
  lag(0, 1)
  lag(1)
  expect(await samplesOf(metrics, 'k2_lag_records')).toMatchObject([{ labels: { partition: '1' } }])
  lag(0, 1, 2, 3)
  expect((await samplesOf(metrics, 'k2_lag_records')).map(({ labels, value }) => [labels['partition'], value])).toEqual(
    [
      ['0', 5],
      ['1', 5],
      ['other', 10],
    ],
  )
})
