// What an ingest tells whoever measures it. Pure types. Invariant: a fact is told per slice, chunk, request or commit, never per
// record, and whoever listens changes nothing of the ingest; what changes by itself is asked for by the listener, when it wants to know.
import type { CommitFact, CommitReply, EncodeReply } from '../../shared/messages.ts'
import type { PartitionPosition } from '../../shared/offsets.ts'
import type { Encoded } from './chunk-request.ts'
import type { CommitterHandle } from './committer-handle.ts'
import type { EncodePool } from './encode-pool.ts'
import type { CommittedBatch, RouteEnd } from './pipeline.ts'
import type { Assignment, RecordBatches, RecordSource, SourcePartition } from './record-source.ts'

export type IngestFact =
  | {
      readonly kind: 'opened'
      readonly pool: Pick<EncodePool, 'load' | 'workers'>
      readonly committer: Pick<CommitterHandle, 'ping'>
    }
  /** A line began, for the first time or with more topics than before. */
  | { readonly kind: 'route began'; readonly route: string; readonly topics: readonly string[] }
  | { readonly kind: 'source opened'; readonly route: string; readonly source: Pick<RecordSource, 'health'> }
  /** The tables are opened, reading begins at `positions`: anew after each fence. */
  | {
      readonly kind: 'route reads'
      readonly route: string
      readonly assignment: Pick<Assignment, 'epoch' | 'logEnds'>
      /** Those it reads. */
      readonly partitions: readonly SourcePartition[]
      readonly positions: readonly PartitionPosition[]
    }
  | { readonly kind: 'slice read'; readonly route: string; readonly slice: RecordBatches }
  | { readonly kind: 'chunk encoded'; readonly route: string; readonly encoded: Encoded }
  | { readonly kind: 'commit begun'; readonly route: string }
  | { readonly kind: 'commit ended'; readonly route: string; readonly outcome: CommitReply['kind'] }
  | { readonly kind: 'committed'; readonly route: string; readonly batch: CommittedBatch }
  /** Everything in flight was dropped. */
  | { readonly kind: 'route restarts'; readonly route: string; readonly why: Exclude<RouteEnd['kind'], 'drained'> }
  /** Nothing but dead letters has come of it: it is not read on, while the other topics of its route are. */
  | { readonly kind: 'topic held'; readonly route: string; readonly topic: string; readonly error: string }
  | { readonly kind: 'route ended'; readonly route: string; readonly error: string | null }
  /** One answer of the pool; `ms`: from the call on. */
  | { readonly kind: 'encode answered'; readonly reply: EncodeReply; readonly ms: number }
  /** A chunk waits to be tried again, and why; null: it went through. */
  | { readonly kind: 'chunk waits'; readonly table: string; readonly why: string | null }
  | { readonly kind: 'commit fact'; readonly fact: CommitFact }
  | { readonly kind: 'registry asked'; readonly outcome: RegistryOutcome }
  /** Questions that wait for the registry: one more, or one less. */
  | { readonly kind: 'registry waits'; readonly change: 1 | -1; readonly why: string }

export type RegistryOutcome = 'found' | 'unknown' | 'rejected' | 'down' | 'wrong'

export type Tell = (fact: IngestFact) => void
