// The proof is tests/support/exactness.ts, in this size.
import { test } from 'vitest'
import { proveExactness } from '../support/exactness.ts'

test(
  'eight random schemas at the edges of their types are read by pyiceberg and DuckDB as fastavro decodes them',
  () => proveExactness(1, 40, 15),
  120_000,
)
