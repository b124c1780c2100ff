// A strict reader of the Prometheus text format 0.0.4, the tests' own: what it lets through, a scraper does, and what is doubtful throws.

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}
export interface Sample {
  /** As written: of a histogram with `_bucket`, `_sum` or `_count` behind it. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const NAME = /^[a-z_][a-z0-9_]*$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/

/** Families by name. Throws at the first line that breaks a rule. */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>()
  const series = new Set<string>()
  let current: { name: string; type: string; help: string; samples: Sample[] } | null = null
  for (const line of text.split('\n')) {
    if (line === '') continue
    const help = /^# HELP (\S+) (.+)$/.exec(line)
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line)
    if (help !== null) {
      const [, name = '', words = ''] = help
      if (families.has(name) || !NAME.test(name)) throw new Error(`name twice, or no name: ${line}`)
      current = { name, type: '', help: words, samples: [] }
      families.set(name, current)
    } else if (type !== null) {
      if (current?.name !== type[1] || current?.type !== '' || current === null)
        throw new Error(`out of place: ${line}`)
      current.type = type[2] ?? ''
    } else {
      const sample = readSample(line)
      if (current === null || !belongs(sample.name, current)) throw new Error(`in no family: ${line}`)
      const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`
      if (series.has(key)) throw new Error(`series twice: ${line}`)
      series.add(key)
      current.samples.push(sample)
    }
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family)
  return families
}

function readSample(line: string): Sample {
  const [, name = '', labelText = '', valueText = ''] = SAMPLE.exec(line) ?? []
  const value = valueText === '+Inf' ? Number.POSITIVE_INFINITY : valueText === 'Nan' ? Number.NaN : Number(valueText)
  if (name === '' || (Number.isNaN(value) && valueText !== 'Nan')) throw new Error(`no sample: ${line}`)
  const labels: Record<string, string> = {}
  for (let rest = labelText; rest !== ''; ) {
    const [all = '', label = '', text = ''] = LABEL.exec(rest) ?? []
    if (all === '' || label in labels) throw new Error(`labels: ${line}`)
    labels[label] = text
    rest = rest.slice(all.length)
  }
  return { name, labels, value }
}

const belongs = (name: string, { name: family, type }: { name: string; type: string }): boolean =>
  type === 'histogram' ? [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name) : name === family

/** Buckets rise to +Inf, each holds those before it, and the last one is the count. */
function checkHistogram({ name, samples }: Family): void {
  const groups = new Map<string, { bounds: number[]; counts: number[]; count: number | null; sums: number }>()
  for (const sample of samples) {
    const { le, ...labels } = sample.labels
    const key = JSON.stringify(Object.entries(labels).sort())
    const group = groups.get(key) ?? { bounds: [], counts: [], count: null, sums: 0 }
    groups.set(key, group)
    if (sample.name.endsWith('_bucket')) {
      group.bounds.push(le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le))
      group.counts.push(sample.value)
    } else if (sample.name.endsWith('_count')) group.count = sample.value
    else group.sums++
  }
  for (const [key, { bounds, counts, count, sums }] of groups) {
    const rises = (values: readonly number[], strictly: boolean): boolean =>
      values.every((value, at) => at === 0 || (values[at - 1] ?? 0) < value || (!strictly && values[at - 1] === value))
    const isWhole = bounds.at(-1) === Number.POSITIVE_INFINITY && counts.at(-1) === count && sums === 1
    if (!isWhole || !rises(bounds, true) || !rises(counts, false)) throw new Error(`histogram ${name} ${key}`)
  }
}
