// The bench as one HTML page that needs nothing else: figures, gates, plots, machine and versions. Pure. Invariant: text from outside
// (names of processors, reasons) is escaped, in markup and in the data of the plots alike.
import { type Figure, type Gate, isKept, type Plot, type Unmeasured } from './figure.ts'
import { pageScript } from './page-script.ts'
import { pageStyle } from './page-style.ts'
import { limitOf, withUnit } from './report.ts'
import type { Baseline } from './verdict.ts'

export interface PageInput {
  readonly machine: object
  readonly node: { readonly version: string; readonly why: string }
  readonly versions: object
  readonly options: object
  readonly figures: readonly Figure[]
  readonly unmeasured: readonly Unmeasured[]
  readonly problems: readonly string[]
  readonly baseline: Baseline
  /** When it was measured, ISO. */
  readonly at: string
}

/** What draws the plots: uPlot, inlined. */
export interface PlotLibrary {
  readonly script: string
  readonly style: string
}

export function renderPage(input: PageInput, library: PlotLibrary): string {
  const { figures, unmeasured, problems } = input
  const plots: readonly Plot[] = figures.flatMap((figure) => figure.plots ?? [])
  const gates = figures.flatMap((figure) => figure.gates)
  const missed = gates.filter((gate) => !isKept(gate)).length
  const verdict =
    problems.length === 0 ? 'all is well' : `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>K2 bench: ${escapeText(verdict)}</title>
<style>${library.style}\n${pageStyle}</style></head><body>
<h1>K2 bench <small>${escapeText(input.at)}</small></h1>
<p class="${problems.length === 0 ? 'kept' : 'missed'}">${escapeText(verdict)}: ${gates.length - missed} of ${gates.length} gates kept.
K2 ran on Node ${escapeText(input.node.version)}: ${escapeText(input.node.why)}.</p>
${list(problems, 'missed')}${list(
  unmeasured.map(({ name, unmeasured: why }) => `${name} was not measured: ${why}`),
  'missed',
)}
<h2>Figures</h2>
<p>What counts is the ratio to a reference measured in the same run: above 1 is better than it. Absolute values belong to this machine and this hour.</p>
${table(
  ['Figure', 'Value', 'Reference', 'Ratio', 'Baseline', 'CPU µs/msg', 'RSS MB', 'Runs', 'Reference is'],
  figures.map((figure) => figureCells(figure, input.baseline)),
)}
<h2>Gates</h2>
${table(['Gate', 'Value', 'Limit', ''], gates.map(gateCells))}
<h2>Details</h2>
${table(['Figure', 'Detail', 'Value'], figures.flatMap(detailCells))}
<h2>Plots</h2>
<div id="plots"></div>
<h2>Machine and versions</h2>
${table(['', ''], pairs({ ...input.machine, ...input.options }))}
${table(['Package', 'Version'], pairs(input.versions))}
<script type="application/json" id="data">${escapeJson(plots)}</script>
<script>${library.script}</script>
<script>${pageScript}</script>
</body></html>
`
}

type Cell = string | { readonly text: string; readonly kind: string }

const figureCells = (figure: Figure, baseline: Baseline): readonly Cell[] => [
  figure.name,
  number(withUnit(figure.value, figure.unit)),
  number(figure.reference === null ? '' : withUnit(figure.reference.value, figure.reference.unit)),
  number(figure.ratio === null ? '' : figure.ratio.toFixed(2)),
  number(baseline[figure.name]?.toFixed(2) ?? ''),
  number(figure.cpuUsPerMessage === null ? '' : figure.cpuUsPerMessage.toFixed(2)),
  number(figure.rssMb === null ? '' : String(figure.rssMb)),
  number(figure.runs.map((value) => withUnit(value, '').trimEnd()).join(' · ')),
  figure.reference?.name ?? '',
]

const gateCells = (gate: Gate): readonly Cell[] => [
  gate.name,
  number(withUnit(gate.value, gate.unit)),
  limitOf(gate),
  isKept(gate) ? { text: 'kept', kind: 'kept' } : { text: 'MISSED', kind: 'missed' },
]

const detailCells = ({ name, details = [] }: Figure): ReadonlyArray<readonly Cell[]> =>
  details.map((detail) => [name, detail.name, number(withUnit(detail.value, detail.unit).trimEnd())])

const number = (text: string): Cell => ({ text, kind: 'number' })

const pairs = (record: object): ReadonlyArray<readonly Cell[]> =>
  Object.entries(record).map(([name, value]) => [name, String(value)])

function table(titles: readonly string[], rows: ReadonlyArray<readonly Cell[]>): string {
  if (rows.length === 0) return ''
  const cell = (content: Cell): string =>
    typeof content === 'string'
      ? `<td>${escapeText(content)}</td>`
      : `<td class="${content.kind}">${escapeText(content.text)}</td>`
  const head = titles.map((title) => `<th>${escapeText(title)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')
  return `<table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table>`
}

const list = (texts: readonly string[], kind: string): string =>
  texts.length === 0 ? '' : `<ul class="${kind}">${texts.map((text) => `<li>${escapeText(text)}</li>`).join('')}</ul>`

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** `</script>` within a text must not end the element. */
const escapeJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c')
