// Canonical JSON: keys sorted by UTF-16 code unit, no white space, so that equal values are equal bytes (and equal hashes).
// Written by hand because JSON.stringify puts integer-like keys (partition numbers) in numeric order whatever the sorting. Pure.

/** What can be written canonically: no floats, no 64-bit numbers (those are decimal strings). */
export type CanonicalValue = string | number | readonly CanonicalValue[] | { readonly [key: string]: CanonicalValue }

/** Canonical text of a value. Numbers must be safe integers (our bug otherwise). */
export function canonicalJson(value: CanonicalValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new Error(`not a safe integer: ${value}`)
    return String(value)
  }
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`
  const entries = Object.entries(value).sort(byKey)
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
}

const isList = (value: CanonicalValue): value is readonly CanonicalValue[] => Array.isArray(value)

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
