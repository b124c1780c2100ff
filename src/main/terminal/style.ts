// Words for the terminal: colours that vanish where there are none, and text wrapped to its width. Pure.

export type Paint = (text: string) => string

export interface Style {
  readonly bold: Paint
  readonly dim: Paint
  readonly green: Paint
  readonly red: Paint
}

const plain: Paint = (text) => text
const sgr =
  (on: number, off: number): Paint =>
  (text) =>
    `\u001b[${on}m${text}\u001b[${off}m`

const colored: Style = { bold: sgr(1, 22), dim: sgr(2, 22), green: sgr(32, 39), red: sgr(31, 39) }
const uncolored: Style = { bold: plain, dim: plain, green: plain, red: plain }

/** Select Graphic Rendition sequences (ECMA-48 8.3.117), or none. */
export const styleFor = (output: { readonly color: boolean }): Style => (output.color ? colored : uncolored)

/** Lines of at most `width` characters, broken at spaces; a longer word stands alone. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

/** `1234567` → `1,234,567`; with `digits` decimals. The same on every machine, whatever its locale. */
export function formatNumber(value: number | bigint, digits = 0): string {
  const [whole = '', fraction] = (typeof value === 'bigint' ? value.toString() : value.toFixed(digits)).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}
