// Every metric of a run, declared once: name, type, help, labels, buckets. Pure data. The types of metrics.ts, docs/metrics.md and the
// test that each one is emitted derive from it. Invariant: a label is a closed set of values, or 'open' and then bounded by metrics.ts.
import { type ErrorCode, errorTable } from '../../shared/errors.ts'

/** `open`: values come from outside (tables, topics). */
type LabelValues = 'open' | readonly string[]
type Labels = Readonly<Record<string, LabelValues>>

export type MetricRow =
  | { readonly type: 'counter' | 'gauge'; readonly help: string; readonly labels: Labels }
  | {
      readonly type: 'histogram'
      readonly help: string
      readonly labels: Labels
      /** Upper bounds, ascending, in the unit of the name. */
      readonly buckets: readonly number[]
    }

/** Codes of dead letters: those of the error table that quarantine a record. */
type DeadLetterCode = {
  [C in ErrorCode]: (typeof errorTable)[C]['action'] extends 'quarantine' ? C : never
}[ErrorCode]

export const isDeadLetterCode = (code: string): code is DeadLetterCode =>
  Object.entries(errorTable).some(([known, { action }]) => known === code && action === 'quarantine')

export const deadLetterCodes = Object.keys(errorTable).filter(isDeadLetterCode)

/** Why a run is not ready; the words of /readyz. */
export const unreadyReasons = [
  'starting',
  'stopping',
  'source-unassigned',
  'source-silent',
  'registry-down',
  'commit-failing',
  'committer-silent',
  'store-failing',
  'route-failed',
  'topic-held',
] as const
export type UnreadyReason = (typeof unreadyReasons)[number]

export const routeStates = ['starting', 'unassigned', 'reading', 'ended', 'failed'] as const
export type RouteState = (typeof routeStates)[number]

/** A call on a fast disk takes milliseconds; a commit that waits for a lock, minutes. */
const CALL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** From a follower that is at the end of the log to one that catches up for a day. */
const FRESHNESS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 900, 3600, 86_400]
const FILE_BYTES = [1e4, 1e5, 1e6, 4e6, 1.6e7, 3.2e7, 6.4e7, 1.28e8, 2.56e8, 5.12e8, 1.024e9]

const byTable = { table: 'open' } as const
const byTopic = { table: 'open', topic: 'open' } as const
const byPartition = { table: 'open', topic: 'open', partition: 'open' } as const

export const metricTable = {
  k2_build_info: {
    type: 'gauge',
    help: 'Always 1; version of K2 and of Node.',
    labels: { version: 'open', node: 'open' },
  },
  k2_start_time_seconds: { type: 'gauge', help: 'When this run began, seconds since 1970.', labels: {} },
  k2_ready: { type: 'gauge', help: '1 where /readyz answers 200.', labels: {} },
  k2_not_ready: {
    type: 'gauge',
    help: '1 for each reason that /readyz gives at the moment.',
    labels: { reason: unreadyReasons },
  },
  k2_routes: { type: 'gauge', help: 'Routes (one a table) by their state.', labels: { state: routeStates } },
  k2_event_loop_delay_seconds: {
    type: 'gauge',
    help: 'Delay of the coordinator thread in the last full 10 seconds; quantile 1 is the longest.',
    labels: { quantile: ['0.5', '0.99', '1'] },
  },
  k2_committer_answer_seconds: {
    type: 'gauge',
    help: 'How long the commit thread took to answer last, or has not answered now.',
    labels: {},
  },
  k2_metric_series_dropped_total: {
    type: 'counter',
    help: 'Series of a metric beyond --metric-series-max, added up as "other" or left out.',
    labels: { metric: 'open' },
  },

  k2_records_read_total: {
    type: 'counter',
    help: 'Records in the batches that the source handed over, by their headers; those read again after a fence count again.',
    labels: byTopic,
  },
  k2_read_bytes_total: { type: 'counter', help: 'Bytes of these batches, compressed as they are.', labels: byTopic },
  k2_records_consumed_total: { type: 'counter', help: 'Records whose offsets are committed.', labels: byTopic },
  k2_rows_written_total: { type: 'counter', help: 'Committed rows of the table.', labels: byTopic },
  k2_tombstones_skipped_total: {
    type: 'counter',
    help: 'Committed records without a value that became no row.',
    labels: byTopic,
  },
  k2_dead_letters_total: {
    type: 'counter',
    help: 'Committed records that became dead letters, by error code.',
    labels: { table: 'open', code: deadLetterCodes },
  },

  k2_assigned_partitions: { type: 'gauge', help: 'Partitions that this process reads.', labels: byTable },
  k2_read_offset: { type: 'gauge', help: 'Next offset to read from the source.', labels: byPartition },
  k2_committed_offset: { type: 'gauge', help: 'Next offset after what the table holds.', labels: byPartition },
  k2_log_end_offset: { type: 'gauge', help: 'High watermark of the partition, as last seen.', labels: byPartition },
  k2_lag_records: {
    type: 'gauge',
    help: 'High watermark minus committed offset; partitions beyond the limit of series added up as "other".',
    labels: byPartition,
  },
  k2_oldest_uncommitted_age_seconds: {
    type: 'gauge',
    help: 'Age, by Kafka timestamp, of the oldest record that was read and is not committed; 0 where there is none.',
    labels: byTable,
  },
  k2_freshness_seconds: {
    type: 'histogram',
    help: 'From the Kafka timestamp of the oldest record of a fetched slice until a snapshot shows it; one observation a slice.',
    labels: byTable,
    buckets: FRESHNESS_SECONDS,
  },

  k2_in_flight_bytes: { type: 'gauge', help: 'Undecoded bytes that were read and are not encoded yet.', labels: {} },
  k2_in_flight_limit_bytes: { type: 'gauge', help: 'Their limit (--queue-bytes).', labels: {} },
  k2_encode_workers: { type: 'gauge', help: 'Threads of the encode pool.', labels: {} },
  k2_encode_queue_chunks: { type: 'gauge', help: 'Chunks that wait for a worker.', labels: {} },
  k2_encode_running_chunks: { type: 'gauge', help: 'Chunks that a worker has.', labels: {} },
  k2_encode_requests_total: {
    type: 'counter',
    help: 'Answers of the encode pool.',
    labels: { outcome: ['encoded', 'unknown-schemas', 'too-many-partitions', 'failed'] },
  },
  k2_encode_wait_seconds: {
    type: 'histogram',
    help: 'How long a chunk was under way between coordinator and worker, waiting included.',
    labels: {},
    buckets: CALL_SECONDS,
  },
  k2_encode_run_seconds: {
    type: 'histogram',
    help: 'How long a worker worked on a chunk.',
    labels: {},
    buckets: CALL_SECONDS,
  },
  k2_chunk_stage_seconds: {
    type: 'histogram',
    help: 'How long a stage took for a chunk.',
    labels: { stage: ['decompress', 'decode', 'encode', 'put'] },
    buckets: CALL_SECONDS,
  },

  k2_commits_total: {
    type: 'counter',
    help: 'Commits by how they ended; fenced: another process wrote these offsets.',
    labels: { table: 'open', outcome: ['committed', 'fenced', 'failed'] },
  },
  k2_commit_attempts_total: {
    type: 'counter',
    help: 'Requests to the catalog by its answer, those of side tables included; unknown: the answer was lost, K2 looks it up.',
    labels: { table: 'open', outcome: ['committed', 'conflict', 'unknown', 'rejected'] },
  },
  k2_commit_duration_seconds: {
    type: 'histogram',
    help: 'From the begin of a commit to its snapshot, all attempts included.',
    labels: byTable,
    buckets: CALL_SECONDS,
  },
  k2_last_commit_timestamp_seconds: {
    type: 'gauge',
    help: 'When the last commit was done, seconds since 1970; 0 before the first.',
    labels: byTable,
  },
  k2_data_files_total: {
    type: 'counter',
    help: 'Committed data files.',
    labels: { table: 'open', kind: ['rows', 'dead-letters'] },
  },
  k2_data_file_size_bytes: {
    type: 'histogram',
    help: 'Sizes of committed data files.',
    labels: { table: 'open', kind: ['rows', 'dead-letters'] },
    buckets: FILE_BYTES,
  },
  k2_route_restarts_total: {
    type: 'counter',
    help: 'Times that everything in flight was dropped, to go on from the positions of the table.',
    labels: { table: 'open', reason: ['fenced', 'revoked', 'reopen', 'held'] },
  },

  k2_expiries_total: {
    type: 'counter',
    help: 'Requests to expire snapshots, by the answer; conflict: another commit came first, planned anew later; failed: none was sent.',
    labels: { table: 'open', outcome: ['done', 'conflict', 'unknown', 'rejected', 'failed'] },
  },
  k2_expired_snapshots_total: { type: 'counter', help: 'Snapshots that expired.', labels: byTable },
  k2_expiry_duration_seconds: {
    type: 'histogram',
    help: 'How long a request to expire snapshots took, its planning included.',
    labels: {},
    buckets: CALL_SECONDS,
  },
  k2_expired_files_deleted_total: {
    type: 'counter',
    help: 'Files of expired snapshots that nothing reached any more, deleted after their grace.',
    labels: { table: 'open', kind: ['data', 'manifest', 'manifest-list'] },
  },
  k2_expired_files_failures_total: {
    type: 'counter',
    help: 'Times that deleting such files failed; it is tried again, at last the files are left to orphan removal.',
    labels: byTable,
  },

  k2_source_connected: {
    type: 'gauge',
    help: '1 where the group member has an assignment and brokers answer it. This and the next ones: Kafka only.',
    labels: byTable,
  },
  k2_source_fetch_age_seconds: {
    type: 'gauge',
    help: 'Since the last answer to a fetch, or since none is due.',
    labels: byTable,
  },
  k2_source_epoch: { type: 'gauge', help: 'Assignment epoch of this process; 0 without one.', labels: byTable },
  k2_source_assignments_total: { type: 'counter', help: 'Joins of the group that succeeded.', labels: byTable },
  k2_source_rebalances_total: {
    type: 'counter',
    help: 'Times that the group called its members together anew.',
    labels: byTable,
  },
  k2_source_evictions_total: {
    type: 'counter',
    help: 'Assignments lost because the group took this member for dead.',
    labels: byTable,
  },
  k2_source_member_deaths_total: {
    type: 'counter',
    help: 'Times that the group member died and was made anew.',
    labels: byTable,
  },
  k2_source_queue_bytes: { type: 'gauge', help: 'Fetched bytes that wait for their line.', labels: byTable },
  k2_source_queue_limit_bytes: { type: 'gauge', help: 'Their limit.', labels: byTable },

  k2_registry_requests_total: {
    type: 'counter',
    help: 'Requests to the schema registry by outcome; down: no answer or a 5xx, wrong: any other that is none of a registry.',
    labels: { outcome: ['found', 'unknown', 'rejected', 'down', 'wrong'] },
  },
  k2_registry_waiting: { type: 'gauge', help: 'Questions that wait for the registry to come back.', labels: {} },
} as const satisfies Record<`k2_${string}`, MetricRow>

export type MetricTable = typeof metricTable
export type MetricName = keyof MetricTable
