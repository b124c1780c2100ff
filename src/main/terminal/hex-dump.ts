// Bytes for people: offset, sixteen bytes in hexadecimal, and as text where they are printable ASCII. Pure.

const LINE_BYTES = 16

/** Lines of a dump of the first `bytesMax` bytes, and how many more there are. */
export function hexDump(bytes: Uint8Array, bytesMax: number): readonly string[] {
  const shown = bytes.subarray(0, bytesMax)
  const lines: string[] = []
  for (let at = 0; at < shown.length; at += LINE_BYTES) {
    const part = [...shown.subarray(at, at + LINE_BYTES)]
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0'))
    const halves = [hex.slice(0, 8).join(' '), hex.slice(8).join(' ')]
    const text = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${halves[0]?.padEnd(23)}  ${halves[1]?.padEnd(23)}  |${text}|`)
  }
  if (bytes.length > shown.length) lines.push(`… ${bytes.length - shown.length} bytes more`)
  return lines
}
