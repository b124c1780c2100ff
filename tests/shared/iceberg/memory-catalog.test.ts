import { describe } from 'vitest'
import { createMemoryCatalog } from '../../support/memory-catalog.ts'
import { catalogConformance } from './catalog.conformance.ts'

describe('the catalog in a Map', () => {
  catalogConformance(async () => ({ catalog: createMemoryCatalog(), warehouse: 'file:///memory' }))
})
