// The metrics of one run over prom-client, typed by metric-table.ts: a label that a metric does not have, one left out, or a value
// outside its closed set does not compile. Main thread. Invariant: no metric has more series than its limit; what comes beyond it is
// counted under "other", and k2_metric_series_dropped_total says so.
import client from 'prom-client'
import { type MetricName, type MetricRow, type MetricTable, metricTable } from './metric-table.ts'

type NameOf<T extends MetricRow['type']> = {
  [N in MetricName]: MetricTable[N]['type'] extends T ? N : never
}[MetricName]
type ValueOf<V> = V extends readonly (infer S)[] ? S : string

export type CounterName = NameOf<'counter'>
export type GaugeName = NameOf<'gauge'>
export type HistogramName = NameOf<'histogram'>

/** The labels of a metric, each with what its values may be. */
export type LabelsOf<N extends MetricName> = keyof MetricTable[N]['labels'] extends never
  ? Readonly<Record<string, never>>
  : { readonly [L in keyof MetricTable[N]['labels']]: ValueOf<MetricTable[N]['labels'][L]> }

export interface Sample<N extends MetricName> {
  readonly labels: LabelsOf<N>
  readonly value: number
}

/** What series beyond the limit of their metric are called. */
export const OTHER = 'other'

interface Held {
  readonly counters: ReadonlyMap<string, client.Counter>
  readonly gauges: ReadonlyMap<string, client.Gauge>
  readonly histograms: ReadonlyMap<string, client.Histogram>
}

export class Metrics {
  readonly #registry = new client.Registry()
  readonly #seriesMax: number
  readonly #held: Held
  /** Series of metrics with an open label, by metric. */
  readonly #series = new Map<string, Set<string>>()
  readonly #turnedAway = new Map<string, Set<string>>()

  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax
    this.#held = declare(this.#registry)
    client.collectDefaultMetrics({ register: this.#registry, prefix: 'k2_', eventLoopMonitoringPrecision: 1000 })
    // Each scrape begins these anew, so that two scrapers spoil each other's figures: k2_event_loop_delay_seconds stands for them.
    for (const { name } of this.#registry.getMetricsAsArray()) {
      if (name.startsWith('k2_nodejs_eventloop_lag')) this.#registry.removeSingleMetric(name)
    }
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The exposition of Prometheus, text format 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  add<N extends CounterName>(name: N, labels: LabelsOf<N>, by = 1): void {
    this.#held.counters.get(name)?.inc(this.#bounded(name, textOf(labels)), by)
  }

  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void {
    this.#held.gauges.get(name)?.set(this.#bounded(name, textOf(labels)), value)
  }

  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number): void {
    this.#held.histograms.get(name)?.observe(this.#bounded(name, textOf(labels)), value)
  }

  /** All series of a gauge; those it had before and has no more are gone. Those beyond the limit are added up where `sums`. */
  replace<N extends GaugeName>(name: N, samples: readonly Sample<N>[], beyond: 'sum' | 'drop' = 'sum'): void {
    const gauge = this.#held.gauges.get(name)
    gauge?.reset()
    for (const { labels, value } of samples.slice(0, this.#seriesMax)) gauge?.set(textOf(labels), value)
    const rest = samples.slice(this.#seriesMax)
    const [first] = rest
    if (first === undefined) return
    for (const { labels } of rest) this.#turnAway(name, keyOf(textOf(labels)))
    if (beyond === 'drop') return
    gauge?.set(
      asOther(name, textOf(first.labels)),
      rest.reduce((sum, { value }) => sum + value, 0),
    )
  }

  /** As {@link replace}, of a counter that somebody else counts. */
  replaceCounter<N extends CounterName>(name: N, samples: readonly Sample<N>[]): void {
    const counter = this.#held.counters.get(name)
    counter?.reset()
    for (const { labels, value } of samples.slice(0, this.#seriesMax)) counter?.inc(textOf(labels), value)
  }

  #bounded(name: MetricName, labels: Record<string, string>): Record<string, string> {
    if (!isOpen(name) || name === 'k2_metric_series_dropped_total') return labels
    const series = this.#series.get(name) ?? new Set<string>()
    this.#series.set(name, series)
    const key = keyOf(labels)
    if (series.has(key)) return labels
    if (series.size < this.#seriesMax) {
      series.add(key)
      return labels
    }
    this.#turnAway(name, key)
    return asOther(name, labels)
  }

  /** Each series counts once, as far as that is remembered: the memory of it is bounded as well. */
  #turnAway(name: string, key: string): void {
    const known = this.#turnedAway.get(name) ?? new Set<string>()
    this.#turnedAway.set(name, known)
    if (known.has(key) || known.size >= TURNED_AWAY_MAX) return
    known.add(key)
    this.add('k2_metric_series_dropped_total', { metric: name })
  }
}

const TURNED_AWAY_MAX = 10_000

const rows: Readonly<Record<MetricName, MetricRow>> = metricTable
const isOpen = (name: MetricName): boolean => Object.values(rows[name].labels).includes('open')
/** Labels as prom-client takes them. */
const textOf = (labels: object): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, String(value)]))
const keyOf = (labels: Readonly<Record<string, string>>): string => Object.values(labels).join('\n')

/** Open labels become "other"; those of a closed set stay what they are. */
function asOther(name: MetricName, labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([label, value]) => [label, rows[name].labels[label] === 'open' ? OTHER : value]),
  )
}

function declare(registry: client.Registry): Held {
  const counters = new Map<string, client.Counter>()
  const gauges = new Map<string, client.Gauge>()
  const histograms = new Map<string, client.Histogram>()
  for (const [name, row] of Object.entries(rows)) {
    const common = { name, help: row.help, labelNames: Object.keys(row.labels), registers: [registry] }
    if (row.type === 'histogram') histograms.set(name, new client.Histogram({ ...common, buckets: [...row.buckets] }))
    else if (row.type === 'counter') counters.set(name, new client.Counter(common))
    else gauges.set(name, new client.Gauge(common))
  }
  return { counters, gauges, histograms }
}
