// What `k2 tables expire` did to a table, or would do. Pure.
import type { FilesDeleted } from '../../shared/messages.ts'
import { formatNumber } from './style.ts'

export type ExpiryReport =
  | {
      readonly kind: 'expired'
      readonly table: string
      readonly snapshots: number
      readonly oldRefs: number
      readonly newTags: number
      readonly snapshotsLeft: number
      /** Deleted now: of snapshots that expired at least a grace ago. */
      readonly files: FilesDeleted
      readonly listsWaiting: number
    }
  | {
      readonly kind: 'would expire'
      readonly table: string
      /** False: the table's owner forbids it (gc.enabled). */
      readonly mayExpire: boolean
      readonly snapshots: number
      readonly oldRefs: readonly string[]
      readonly newTags: readonly string[]
      readonly snapshotsLeft: number
      /** Infinite where no snapshot is kept, since there is none. */
      readonly oldestKeptMs: number
      /** What nothing would reach afterwards. */
      readonly files: FilesDeleted
    }

/** Names of tags and branches listed. */
const NAMES_MAX = 5

const line = (name: string, text: string): string => `  ${name.padEnd(11)} ${text}\n`

export function renderExpiry(report: ExpiryReport): string {
  if (report.kind === 'expired') return renderExpired(report)
  const { table, snapshots, snapshotsLeft, oldRefs, newTags, oldestKeptMs } = report
  if (!report.mayExpire) return `${table}: nothing expires, the table says gc.enabled = false\n`
  const oldest = Number.isFinite(oldestKeptMs) ? `, the oldest of ${new Date(oldestKeptMs).toISOString()}` : ''
  return (
    `${table} (dry run: nothing was changed)\n` +
    line(
      'snapshots',
      `${count(snapshots, 'would expire', 'would expire')}, ${formatNumber(snapshotsLeft)} stay${oldest}`,
    ) +
    (oldRefs.length === 0 ? '' : line('too old', names(oldRefs))) +
    (newTags.length === 0 ? '' : line('new tags', names(newTags))) +
    line('files', `${filesText(report.files)} would be freed, and deleted ten minutes later`)
  )
}

function renderExpired(report: Extract<ExpiryReport, { kind: 'expired' }>): string {
  const { table, snapshots, snapshotsLeft, oldRefs, newTags, files, listsWaiting } = report
  const waits = 'files of what expired less than ten minutes ago wait: the next run, or this command, deletes them'
  return (
    `${table}\n` +
    line('snapshots', `${count(snapshots, 'expired', 'expired')}, ${formatNumber(snapshotsLeft)} stay`) +
    (oldRefs === 0 ? '' : line('too old', count(oldRefs, 'tag or branch dropped', 'tags and branches dropped'))) +
    (newTags === 0 ? '' : line('new tags', formatNumber(newTags))) +
    line('files', `${filesText(files)} deleted`) +
    (listsWaiting === 0 ? '' : line('waiting', waits))
  )
}

const count = (value: number, one: string, many: string): string => `${formatNumber(value)} ${value === 1 ? one : many}`

const filesText = ({ dataFiles, manifests, manifestLists }: FilesDeleted): string =>
  `${count(dataFiles, 'data file', 'data files')}, ${count(manifests, 'manifest', 'manifests')}, ` +
  count(manifestLists, 'manifest list', 'manifest lists')

const names = (all: readonly string[]): string =>
  all.length <= NAMES_MAX
    ? all.join(', ')
    : `${all.slice(0, NAMES_MAX).join(', ')} and ${formatNumber(all.length - NAMES_MAX)} more`

/** For --json. */
export function expiryDocument(report: ExpiryReport): object {
  const { table, snapshots, snapshotsLeft, files } = report
  const counts = {
    table,
    dry_run: report.kind === 'would expire',
    snapshots_expired: snapshots,
    snapshots_left: snapshotsLeft,
    refs_dropped: report.oldRefs,
    tags_made: report.newTags,
    data_files: files.dataFiles,
    manifests: files.manifests,
    manifest_lists: files.manifestLists,
  }
  return report.kind === 'expired'
    ? { ...counts, lists_waiting: report.listsWaiting }
    : { ...counts, oldest_kept_ms: Number.isFinite(report.oldestKeptMs) ? report.oldestKeptMs : null }
}
