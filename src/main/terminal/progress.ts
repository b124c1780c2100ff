// One line that shows a run's progress on a terminal, redrawn in place and gone at the end. Nothing on anything but a terminal.
// The text is pure; the line owns the last row of the screen: clear() it before anything else is printed.
import type { Output } from '../command.ts'
import { formatNumber, styleFor } from './style.ts'

export interface Progress {
  readonly consumed: number
  readonly ratePerSecond: number
  /** Records between what is committed and the end of the log. */
  readonly lag: number
  readonly commits: number
  /** A word on what is happening; empty where it just runs. */
  readonly state: string
}

/** At most `columns` wide; what does not fit is cut. */
export function renderProgress(progress: Progress, columns: number): string {
  const parts = [
    `${formatNumber(progress.consumed)} messages`,
    `${formatNumber(Math.round(progress.ratePerSecond))} msg/s`,
    `lag ${formatNumber(progress.lag)}`,
    `${formatNumber(progress.commits)} commits`,
  ]
  if (progress.state !== '') parts.unshift(progress.state)
  return cut(parts.join(' · '), columns)
}

const cut = (text: string, columns: number): string =>
  text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`

export interface ProgressLine {
  show(progress: Progress): void
  /** Any other text; cut to the width. */
  showText(text: string): void
  /** Leaves an empty row behind. Safe to call at any time. */
  clear(): void
}

/** Back to column 1, erase to the end of the row (ECMA-48 EL). */
const ERASE = '\r\u001b[K'

export function openProgressLine(output: Output): ProgressLine {
  if (!output.isTerminal) return { show: () => {}, showText: () => {}, clear: () => {} }
  const style = styleFor(output)
  let shown = ''
  const draw = (text: string): void => {
    if (text === shown) return
    output.write(`${ERASE}${style.dim(text)}`)
    shown = text
  }
  // One column short: a full row makes some terminals wrap, and the erase would then miss it.
  const columns = output.columns - 1
  return {
    show: (progress) => draw(renderProgress(progress, columns)),
    showText: (text) => draw(cut(text, columns)),
    clear: () => {
      if (shown !== '') output.write(ERASE)
      shown = ''
    },
  }
}
