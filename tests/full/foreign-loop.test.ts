// The proof is tests/support/foreign-loop.ts, in this size.
import { test } from 'vitest'
import { proveForeignLoopCostsNothing } from '../support/foreign-loop.ts'

test(
  'three minutes of another engine at work, with kills between, cost nothing',
  () => proveForeignLoopCostsNothing({ ms: 180_000, killEveryMs: 20_000 }),
  420_000,
)
