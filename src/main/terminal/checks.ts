// The checks of `k2 run --check` on the terminal: a line each, and below a failed one what to do. Pure.
import type { Check } from '../check/check.ts'
import type { Style } from './style.ts'

const SIGNS: Readonly<Record<Check['verdict'], string>> = { ok: '✓', failed: '✗', unknown: '-' }

export function renderChecks(checks: readonly Check[], style: Style): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const lines = checks.flatMap(({ name, verdict, found, help }) => {
    const line = `${SIGNS[verdict]} ${name.padEnd(width)}  ${found}`
    if (verdict !== 'failed') return [line]
    return [style.red(line), ...(help === '' ? [] : [`  ${' '.repeat(width)}  → ${help}`])]
  })
  const count = checks.filter(({ verdict }) => verdict === 'failed').length
  const end =
    count === 0
      ? style.green('a run can begin')
      : style.red(`${count} of ${checks.length} checks failed: a run would not go well`)
  return `${[...lines, end].join('\n')}\n`
}
