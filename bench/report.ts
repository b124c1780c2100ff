// What a bench prints: a table of figures, the gates, and what went wrong. Pure.
import { renderTable } from '../src/main/terminal/table.ts'
import { type Figure, type Gate, isKept, type Unmeasured } from './figure.ts'
import { type Baseline, type Problem, REGRESSION_SHARE } from './verdict.ts'

const columns = [
  { title: 'Figure', align: 'left' },
  { title: 'Value', align: 'right' },
  { title: 'Reference', align: 'right' },
  { title: 'Ratio', align: 'right' },
  { title: 'Baseline', align: 'right' },
  { title: 'CPU µs/msg', align: 'right' },
  { title: 'RSS MB', align: 'right' },
  { title: 'Reference is', align: 'left' },
] as const

export function renderFigures(figures: readonly Figure[], baseline: Baseline): string {
  const rows = figures.map((figure) => [
    figure.name,
    withUnit(figure.value, figure.unit),
    figure.reference === null ? '' : withUnit(figure.reference.value, figure.reference.unit),
    figure.ratio === null ? '' : figure.ratio.toFixed(2),
    baseline[figure.name]?.toFixed(2) ?? '',
    figure.cpuUsPerMessage === null ? '' : figure.cpuUsPerMessage.toFixed(2),
    figure.rssMb === null ? '' : String(figure.rssMb),
    figure.reference?.name ?? '',
  ])
  return renderTable(columns, rows)
}

export function renderGates(figures: readonly Figure[]): string {
  const gates = figures.flatMap((figure) => figure.gates)
  if (gates.length === 0) return ''
  const rows = gates.map((gate) => [
    gate.name,
    withUnit(gate.value, gate.unit),
    limitOf(gate),
    isKept(gate) ? 'kept' : 'MISSED',
  ])
  const titles = [
    { title: 'Gate', align: 'left' },
    { title: 'Value', align: 'right' },
    { title: 'Limit', align: 'left' },
    { title: '', align: 'left' },
  ] as const
  return renderTable(titles, rows)
}

/** What a figure says beside its value; empty where no figure says anything. */
export function renderDetails(figures: readonly Figure[]): string {
  const rows = figures.flatMap(({ name, details = [] }) =>
    details.map((detail) => [name, detail.name, withUnit(detail.value, detail.unit).trimEnd()]),
  )
  if (rows.length === 0) return ''
  const titles = [
    { title: 'Figure', align: 'left' },
    { title: 'Detail', align: 'left' },
    { title: 'Value', align: 'right' },
  ] as const
  return renderTable(titles, rows)
}

export const renderUnmeasured = ({ name, unmeasured }: Unmeasured): string => `${name}: NOT MEASURED: ${unmeasured}`

export function renderProblem(problem: Problem): string {
  switch (problem.kind) {
    case 'regression': {
      const { figure, ratio, baseline } = problem
      const least = (baseline * REGRESSION_SHARE).toFixed(2)
      return `${figure}: ratio ${ratio.toFixed(2)} is below ${least}, ${REGRESSION_SHARE} of its baseline ${baseline.toFixed(2)}`
    }
    case 'gate': {
      const { figure, gate } = problem
      return `${figure}: ${gate.name} is ${withUnit(gate.value, gate.unit)}, not ${limitOf(gate)}`
    }
  }
}

/** As `≤ 600 MB`. */
export const limitOf = ({ kind, limit, unit }: Gate): string => `${kind === 'min' ? '≥' : '≤'} ${withUnit(limit, unit)}`

/** Digits by size, and the unit. */
export function withUnit(value: number, unit: string): string {
  const digits = value >= 1000 ? 0 : value >= 100 ? 1 : 2
  return `${value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`
}
