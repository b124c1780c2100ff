// When `k2 tables health` warns, when it calls a table bad, and what to do about it: one row a check. Pure data; the verdicts
// (health.ts), the help beside them and the table in docs/tables.md all come from here.
import { commitLimits } from '../../shared/commit/commit-limits.ts'

export interface Threshold {
  /** From here on. */
  readonly warn: number
  readonly bad: number
}

/** Counts, but for `metadataBytes`. */
export const thresholds = {
  savedFiles: { warn: 500, bad: 5_000 },
  manifests: { warn: 500, bad: 2_000 },
  metadataBytes: { warn: 1_000_000, bad: 10_000_000 },
  snapshots: { warn: 500, bad: 5_000 },
  unconfirmed: { warn: 10, bad: commitLimits.unconfirmedMax },
  deleteFiles: { warn: 1, bad: 1_000 },
} as const satisfies Record<string, Threshold>

/** A table that is behind and has not been committed to for so long is stale; `--stale-after` overrules it. */
export const STALE_MS = 15 * 60_000

/** Files of an expiry wait ten minutes; for so long only where no run and no `k2 tables expire` has come by. */
export const FREED_WAIT_MS = 24 * 3_600_000

interface HealthRule {
  readonly looks: string
  readonly warns: string
  readonly isBad: string
  readonly help: string
}

const number = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')
const from = ({ warn, bad }: Threshold, unit: string): Pick<HealthRule, 'warns' | 'isBad'> => ({
  warns: `from ${number(warn)} ${unit}`.trimEnd(),
  isBad: `from ${number(bad)} ${unit}`.trimEnd(),
})
const MB = 1_000_000

export const healthRules = {
  readable: {
    looks: 'metadata file, manifest list and manifests of the current snapshot',
    warns: '',
    isBad: 'one of them is gone or cannot be read',
    help: 'restore the file that is named; see docs/recovery.md',
  },
  positions: {
    looks: 'the progress that the table carries, by the read rule of the commit protocol',
    warns: 'trusted only if rows that others may have removed are there; `--deep` counts them',
    isBad: 'not to be trusted, or unreadable: `k2 run` would stop',
    help: 'see docs/recovery.md for the reason, and k2 positions adopt',
  },
  lag: {
    looks:
      'the source named by `--source` or `--brokers`; without one the age of the last commit, if `--stale-after` is given',
    warns: '',
    isBad: `behind, and no commit for ${STALE_MS / 60_000} minutes (\`--stale-after\`); a position outside of the log; a topic made again; a source that does not answer`,
    help: 'start k2 run, or see its log and /readyz',
  },
  'side-tables': {
    looks: 'the side tables that belong to a main table',
    warns: '',
    isBad: 'one is missing, or is not K2’s',
    help: 'register it again from its last metadata file, or let its rows go with k2 positions adopt; see docs/recovery.md',
  },
  unconfirmed: {
    looks: 'side files that main names and that their table may not hold yet',
    ...from(thresholds.unconfirmed, 'commits'),
    isBad: `from ${number(thresholds.unconfirmed.bad)} commits, where main waits, or a file that is named is gone`,
    help: 'see why the side table cannot be written: k2 run appends them by itself; for files that are gone see docs/recovery.md',
  },
  files: {
    looks:
      'per partition, how many data files fewer there would be if those below an eighth of the target size were put together',
    ...from(thresholds.savedFiles, 'in one partition'),
    help: 'rewrite the data files with another engine: docs/tables.md, “Compaction”',
  },
  manifests: {
    looks: 'manifests of the current snapshot: each is read to plan a query',
    ...from(thresholds.manifests, ''),
    help: 'rewrite the manifests, or lower commit.manifest.min-count-to-merge: docs/tables.md, “Compaction”',
  },
  metadata: {
    looks: 'size of metadata.json, which every commit writes anew; whether old ones are deleted',
    warns: `from ${thresholds.metadataBytes.warn / MB} MB, or old metadata files are kept for ever`,
    isBad: `from ${thresholds.metadataBytes.bad / MB} MB`,
    help: 'expire snapshots (k2 tables expire); set write.metadata.delete-after-commit.enabled=true',
  },
  snapshots: {
    looks:
      'snapshots that the table keeps, what the next expiry would remove, and whether files of earlier ones still wait to be deleted',
    ...from(thresholds.snapshots, ''),
    warns: `from ${number(thresholds.snapshots.warn)}, or files that wait for a day`,
    help: 'k2 tables expire; k2 run does it after its commits: docs/maintenance.md',
  },
  deletes: {
    looks: 'delete files, which only other engines write',
    ...from(thresholds.deleteFiles, 'files'),
    help: 'have them applied by rewriting the data files: k2 verify refuses a table with deletes; docs/tables.md, “Compaction”',
  },
  totals: {
    looks: 'what the summary of the current snapshot says against what its manifests hold',
    warns: 'rows or files differ',
    isBad: '',
    help: 'another writer counted wrong, or lost a manifest: k2 verify tells which',
  },
  references: {
    looks: 'with `--deep`: every file that a snapshot of the table refers to, by name and size',
    warns: '',
    isBad: 'one is missing, or of another size than its manifest says',
    help: 'restore the files from a copy; k2 verify tells which offsets they held',
  },
} as const satisfies Record<string, HealthRule>

export type CheckName = keyof typeof healthRules
