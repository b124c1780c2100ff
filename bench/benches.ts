// The benches by name, in the order in which they run: stages first, then what is made of them.
import type { Bench } from './figure.ts'
import { batchWalk } from './figures/batch-walk.ts'
import { commit } from './figures/commit.ts'
import { decode } from './figures/decode.ts'
import { decompress } from './figures/decompress.ts'
import { demoSeconds } from './figures/demo-seconds.ts'
import { encode } from './figures/encode.ts'
import { firstSnapshot } from './figures/first-snapshot.ts'
import { lineLogDirectory } from './figures/line-log-directory.ts'

export const benches: ReadonlyMap<string, Bench> = new Map<string, Bench>([
  ['batch-walk', batchWalk],
  ['decompress', decompress],
  ['decode', decode],
  ['encode', encode],
  ['commit', commit],
  ['line-log-directory', lineLogDirectory],
  ['first-snapshot', firstSnapshot],
  ['demo-seconds', demoSeconds],
])
