// The proof is tests/support/kill-proof.ts, in this size.
import { test } from 'vitest'
import { proveKillsCostNothing } from '../support/kill-proof.ts'

test(
  'fifty kills during a run of 1,000,000 messages cost nothing, and another run adds nothing',
  () =>
    proveKillsCostNothing({
      messages: 1_000_000,
      kills: 50,
      roundMessages: 20_000,
      chunkRows: '2000',
      batchSize: '6000',
      commitInterval: '200ms',
      throttle: '15000',
      lifeMsMax: 3_000,
      afterCommitMsMax: 600,
    }),
  900_000,
)
