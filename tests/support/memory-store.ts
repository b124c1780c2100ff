// A store in a Map: the double of the Store port. Same contract as the real ones (tests/shared/store/store.conformance.ts).
import { IngestError } from '../../src/shared/errors.ts'
import type { Store } from '../../src/shared/store/store.ts'

export interface MemoryStore extends Store {
  /** What is stored, by location; tests may look and tamper. */
  readonly files: Map<string, Uint8Array>
  readonly hints: Map<string, string>
}

export function createMemoryStore(root = 'file:///memory'): MemoryStore {
  const files = new Map<string, Uint8Array>()
  const hints = new Map<string, string>()
  const guard = (location: string, code: 'STORE_NOT_WRITABLE' | 'STORE_MISSING'): void => {
    if (!location.startsWith(`${root}/`) || location.includes('/../')) {
      throw new IngestError(code, { location, root, reason: 'outside the warehouse' })
    }
  }
  return {
    root,
    files,
    hints,
    putIfAbsent: async (location, bytes) => {
      guard(location, 'STORE_NOT_WRITABLE')
      if (files.has(location)) throw new IngestError('STORE_EXISTS', { location })
      files.set(location, new Uint8Array(bytes))
    },
    read: async (location, range) => {
      guard(location, 'STORE_MISSING')
      const bytes = files.get(location)
      if (bytes === undefined) throw new IngestError('STORE_MISSING', { location })
      return bytes.slice(range?.first ?? 0, range?.next ?? bytes.length)
    },
    size: async (location) => {
      guard(location, 'STORE_MISSING')
      return files.get(location)?.length ?? null
    },
    delete: async (location) => {
      guard(location, 'STORE_NOT_WRITABLE')
      files.delete(location)
    },
    hint: async (location, text) => {
      hints.set(location, text)
    },
  }
}
