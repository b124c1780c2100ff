// Name-based UUIDs (RFC 9562, section 5.5, version 5): the same name has the same id on every machine. Pure.
import { hash } from 'node:crypto'

/** Namespace of URLs (RFC 9562, section 6.6). */
export const urlNamespace = uuidBytes('6ba7b811-9dad-11d1-80b4-00c04fd430c8')

/** The 16 bytes of a UUID's text. */
export function uuidBytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll('-', ''), 'hex'))
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Version 5 UUID of `name` in a namespace: SHA-1, cut to 16 bytes, version and variant set. */
export function uuid5(namespace: Uint8Array, name: string): Uint8Array {
  const named = Buffer.concat([namespace, Buffer.from(name)])
  const bytes = new Uint8Array(hash('sha1', named, 'buffer')).slice(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes
}
