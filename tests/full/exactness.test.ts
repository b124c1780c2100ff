// The proof is tests/support/exactness.ts, in this size; a run that fails names its seed.
import { test } from 'vitest'
import { proveExactness } from '../support/exactness.ts'

const first = Number(process.env['K2_EXACTNESS_SEED'] ?? Date.now() % 100_000)

test.each(Array.from({ length: 8 }, (_, at) => first + at))(
  'twenty-five random schemas of seed %i are read by pyiceberg and DuckDB as fastavro decodes them',
  (seed) => proveExactness(seed, 25, 200),
  300_000,
)
