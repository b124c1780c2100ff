import { expect, test } from 'vitest'
import { urlNamespace, uuid5, uuidBytes, uuidText } from '../../../src/main/feed/uuid.ts'

const dnsNamespace = uuidBytes('6ba7b810-9dad-11d1-80b4-00c04fd430c8')

test('version 5 ids are those of RFC 9562 and of the Python library', () => {
  // RFC 9562, appendix A.4.
  expect(uuidText(uuid5(dnsNamespace, 'www.example.com'))).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2')
  // Python documentation, module uuid.
  expect(uuidText(uuid5(dnsNamespace, 'python.org'))).toBe('886313e1-3b8a-5372-9b90-0c9aee199e5d')
})

test('the namespace counts', () => {
  expect(uuidText(uuid5(urlNamespace, 'python.org'))).not.toBe('886313e1-3b8a-5372-9b90-0c9aee199e5d')
})

test('the text of an id reads back', () => {
  const bytes = uuid5(dnsNamespace, 'x')
  expect([...uuidBytes(uuidText(bytes))]).toEqual([...bytes])
})
