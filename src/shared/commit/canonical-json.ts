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
  let text = ''
  // The default sort is by UTF-16 code unit, as RFC 8785 wants it.
  for (const key of Object.keys(value).sort()) {
    const item = value[key]
    if (item !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(item)}`
  }
  return `{${text}}`
}

const isList = (value: CanonicalValue): value is readonly CanonicalValue[] => Array.isArray(value)
