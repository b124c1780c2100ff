// The proof is tests/support/foreign-loop.ts, in the size of a soak: K2_FOREIGN_MINUTES (30), K2_FOREIGN_SEED.
import { test } from 'vitest'
import { proveForeignLoopCostsNothing } from '../support/foreign-loop.ts'

const MINUTES = Number(process.env['K2_FOREIGN_MINUTES'] ?? 30)

test(
  `${MINUTES} minutes of another engine at work, with kills between, cost nothing`,
  () => proveForeignLoopCostsNothing({ ms: MINUTES * 60_000, killEveryMs: 60_000 }),
  (MINUTES + 15) * 60_000,
)
