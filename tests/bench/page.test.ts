// The page of a bench: everything that was measured, promised and missed, in one file.
import { Script } from 'node:vm'
import { expect, test } from 'vitest'
import type { Figure } from '../../bench/figure.ts'
import { type PageInput, renderPage } from '../../bench/page.ts'
import { pageScript } from '../../bench/page-script.ts'

const figure: Figure = {
  name: 'line',
  value: 1_234_567,
  unit: 'msg/s',
  reference: { name: 'the other <line>', value: 1000, unit: 'msg/s' },
  ratio: 1234.567,
  cpuUsPerMessage: 1.5,
  rssMb: 321,
  runs: [1_234_567],
  gates: [{ name: 'memory', value: 321, unit: 'MB', limit: 300, kind: 'max' }],
  details: [{ name: 'commits', value: 7, unit: '' }],
  plots: [{ kind: 'bars', title: '</script><b>', unit: 'µs', bars: [{ name: 'decode', value: 1 }] }],
}
const input: PageInput = {
  at: '2026-01-01T00:00:00.000Z',
  machine: { cpu: 'a & b' },
  node: { version: '24.0.0', why: 'asked for' },
  versions: { k2: '1' },
  options: { messages: 5 },
  figures: [figure],
  unmeasured: [{ name: 'peer', unmeasured: 'no Python' }],
  problems: ['line: memory is 321.0 MB'],
  baseline: { line: 1000 },
}
const page = renderPage(input, { script: 'const uPlot = 1', style: '.u-plot {}' })

test('figures, gates, details, machine, what is missed and what was not measured stand on it', () => {
  const wanted = [
    ...['1,234,567 msg/s', '1234.57', '1000.00', 'the other &lt;line&gt;', 'commits', '≤ 300.0 MB', 'MISSED'],
    ...['0 of 1 gates kept', 'Node 24.0.0: asked for', 'a &amp; b', 'peer was not measured: no Python', '1 problem'],
    ...['const uPlot = 1', '.u-plot {}', 'line: memory is 321.0 MB'],
  ]
  expect(wanted.filter((text) => !page.includes(text))).toEqual([])
})

test('the script of the page is one', () => {
  expect(new Script(pageScript)).toBeInstanceOf(Script)
})

test('the data of the plots is whole, and no text in it ends its element', () => {
  const json = page.match(/<script type="application\/json" id="data">(.*?)<\/script>/s)?.[1] ?? ''
  expect(JSON.parse(json)).toEqual(figure.plots)
  expect(page.match(/<\/script>/g)).toHaveLength(3)
})
