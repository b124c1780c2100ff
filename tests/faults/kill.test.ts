// The proof is tests/support/kill-proof.ts, in this size.
import { test } from 'vitest'
import { proveKillsCostNothing } from '../support/kill-proof.ts'

test(
  'five kills during a run of 60,000 messages cost nothing, and another run adds nothing',
  () =>
    proveKillsCostNothing({
      messages: 60_000,
      kills: 5,
      roundMessages: 6_000,
      chunkRows: '500',
      batchSize: '1500',
      commitInterval: '100ms',
      throttle: '6000',
      lifeMsMax: 2_500,
      afterCommitMsMax: 400,
    }),
  120_000,
)
