// Counts what the committer tells of expiry: snapshots, files, failures. Main thread.
import type { CommitFact } from '../../shared/messages.ts'
import type { Metrics } from './metrics.ts'

const outcomes = ['done', 'conflict', 'unknown', 'rejected', 'failed'] as const
const kinds = ['data', 'manifest', 'manifest-list'] as const

/** Series of a table from its begin on, so that the first event shows as a rise. */
export function beginUpkeep(metrics: Metrics, table: string): void {
  for (const outcome of outcomes) metrics.add('k2_expiries_total', { table, outcome }, 0)
  for (const kind of kinds) metrics.add('k2_expired_files_deleted_total', { table, kind }, 0)
  metrics.add('k2_expired_snapshots_total', { table }, 0)
  metrics.add('k2_expired_files_failures_total', { table }, 0)
}

export function countUpkeep(metrics: Metrics, fact: Extract<CommitFact, { kind: 'expired' | 'swept' }>): void {
  const { table } = fact
  if (fact.kind === 'expired') {
    metrics.add('k2_expiries_total', { table, outcome: fact.outcome })
    metrics.observe('k2_expiry_duration_seconds', {}, fact.ms / 1000)
    if (fact.outcome === 'done') metrics.add('k2_expired_snapshots_total', { table }, fact.snapshots)
    return
  }
  if (fact.outcome === 'failed') metrics.add('k2_expired_files_failures_total', { table })
  metrics.add('k2_expired_files_deleted_total', { table, kind: 'data' }, fact.dataFiles)
  metrics.add('k2_expired_files_deleted_total', { table, kind: 'manifest' }, fact.manifests)
  metrics.add('k2_expired_files_deleted_total', { table, kind: 'manifest-list' }, fact.manifestLists)
}
