import { describe } from 'vitest'
import { createMemoryStore } from '../../support/memory-store.ts'
import { storeConformance } from './store.conformance.ts'

describe('the store in a Map', () => {
  storeConformance(async () => createMemoryStore())
})
