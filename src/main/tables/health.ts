// The verdicts of `k2 tables health` on one table: what was found, how bad it is, what to do. Pure; the facts are gathered by
// health-facts.ts, the limits are in health-rules.ts. Invariant: what was not looked at is `unknown`, never `good`.
import type { Positions } from '../../shared/commit/positions.ts'
import { kafkaTopicsOf } from '../../shared/commit/replay-position.ts'
import type { IngestError } from '../../shared/errors.ts'
import { ageText, counted, sizeText } from '../terminal/quantities.ts'
import { formatNumber } from '../terminal/style.ts'
import type { DeepFindings } from './deep-look.ts'
import type { ExpiryOutlook } from './expiry-outlook.ts'
import { type CheckName, FREED_WAIT_MS, healthRules, STALE_MS, type Threshold, thresholds } from './health-rules.ts'
import { countsOf } from './snapshot-rows.ts'
import type { TableKind } from './table-kind.ts'
import type { TableLook } from './table-look.ts'
import { committedMs, type Lag, type Progress, positionsIn } from './table-progress.ts'

export type Verdict = 'good' | 'unknown' | 'warn' | 'bad'

export interface HealthCheck {
  readonly check: CheckName
  readonly verdict: Verdict
  readonly found: string
  /** Empty where there is nothing to do. */
  readonly help: string
}

/** A side table that a main table must have. */
export interface SideFact {
  /** Dotted. */
  readonly table: string
  readonly state: 'there' | 'missing' | 'foreign'
  readonly rows: bigint | null
}

export type LagFact =
  | { readonly kind: 'unnamed' }
  | { readonly kind: 'failed'; readonly error: IngestError }
  | { readonly kind: 'seen'; readonly lag: Lag }

export interface HealthFacts {
  readonly look: TableLook
  readonly kind: TableKind
  readonly nowMs: number
  readonly progress: Progress
  /** Whether the rows that `evidence` asks for are there; null where nobody counted. */
  readonly isEvidenceMet: boolean | null
  readonly lag: LagFact
  /** `--stale-after`; null where it was not given. */
  readonly staleMs: number | null
  readonly sides: readonly SideFact[]
  /** Unconfirmed side files that are not in the store. */
  readonly goneSideFiles: readonly string[]
  /** Null of a table that is not K2's, whose expiry is its owner's. */
  readonly expiry: ExpiryOutlook | null
  /** Null without `--deep`. */
  readonly deep: DeepFindings | null
}

const ORDER: readonly Verdict[] = ['good', 'unknown', 'warn', 'bad']

/** The worst of some; `good` of none. */
export const worst = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.reduce<Verdict>((most, each) => (ORDER.indexOf(each) > ORDER.indexOf(most) ? each : most), 'good')

/** All checks that mean something for a table of its kind. */
export function checkHealth(facts: HealthFacts): readonly HealthCheck[] {
  const isMain = facts.kind.kind === 'main'
  return [
    ...(isMain ? [checkPositions(facts), checkLag(facts), ...checkSides(facts), checkUnconfirmed(facts)] : []),
    checkFiles(facts.look),
    checkManifests(facts.look),
    checkMetadata(facts.look),
    checkSnapshots(facts),
    checkDeletes(facts.look),
    checkTotals(facts.look),
    ...(facts.deep === null ? [] : [checkReferences(facts.deep)]),
  ]
}

const judged = (check: CheckName, verdict: Verdict, found: string): HealthCheck => ({
  check,
  verdict,
  found,
  help: verdict === 'warn' || verdict === 'bad' ? healthRules[check].help.replaceAll('`', '') : '',
})

const graded = (value: number, { warn, bad }: Threshold): Verdict =>
  value >= bad ? 'bad' : value >= warn ? 'warn' : 'good'

function checkPositions({ look, progress, nowMs, isEvidenceMet }: HealthFacts): HealthCheck {
  switch (progress.kind) {
    case 'none':
      return judged('positions', 'good', 'k2 has not committed yet')
    case 'invalid':
      return judged('positions', 'bad', progress.error.message)
    case 'stop':
      return judged('positions', 'bad', `not to be trusted: ${progress.reason}`)
    case 'evidence': {
      const found = `${counted(progress.evidence.rows, 'row')} of the last marked commit must be in the table: others expired its snapshot`
      if (isEvidenceMet === null) return judged('positions', 'warn', found)
      return judged(
        'positions',
        isEvidenceMet ? 'good' : 'bad',
        `${found}; ${isEvidenceMet ? 'they are' : 'they are not'}`,
      )
    }
    case 'trusted':
      return judged('positions', 'good', trustedText(progress.positions, look, nowMs))
  }
}

function trustedText(positions: Positions, { metadata }: TableLook, nowMs: number): string {
  const marks = kafkaTopicsOf(positions).flatMap(([, { partitions }]) => [...partitions.values()])
  const gaps = marks.reduce((sum, mark) => sum + (mark.gaps?.length ?? 0), 0)
  const atMs = committedMs(metadata, positions)
  const age = atMs === null ? 'no commit yet' : `last commit ${ageText(nowMs - atMs)} ago`
  return [
    `trusted, ${counted(marks.length, 'partition')}`,
    age,
    ...(gaps === 0 ? [] : [counted(gaps, 'accepted gap')]),
  ].join(', ')
}

/** Whether records wait is known from the source only; the age of the last commit alone says nothing of a quiet topic. */
function checkLag({ look, progress, lag, nowMs, staleMs }: HealthFacts): HealthCheck {
  const positions = positionsIn(progress)
  const atMs = positions === null ? null : committedMs(look.metadata, positions)
  const ageMs = atMs === null ? null : nowMs - atMs
  const age = ageMs === null ? 'no commit yet' : `last commit ${ageText(ageMs)} ago`
  switch (lag.kind) {
    case 'failed':
      return judged('lag', 'bad', lag.error.message)
    case 'unnamed': {
      if (staleMs === null) return judged('lag', 'unknown', 'no source to compare with: name --source or --brokers')
      const isStale = ageMs === null || ageMs > staleMs
      return judged('lag', isStale ? 'bad' : 'good', `${age}; no source to compare with`)
    }
    case 'seen': {
      const { offsets, behind, unseen, problem } = lag.lag
      if (positions === null) return judged('lag', 'unknown', 'no positions to compare with the source')
      if (problem !== null) return judged('lag', 'bad', problem.message)
      const missing = unseen === 0 ? '' : `; ${counted(unseen, 'partition')} of the table not in the source`
      if (offsets === 0n) return judged('lag', 'good', `nothing waits${missing}`)
      const isStale = ageMs === null || ageMs > (staleMs ?? STALE_MS)
      const found = `${counted(offsets, 'offset')} behind in ${counted(behind, 'partition')}, ${age}${missing}`
      return judged('lag', isStale ? 'bad' : 'good', found)
    }
  }
}

const checkSides = ({ sides }: HealthFacts): readonly HealthCheck[] => sides.map(checkSide)

function checkSide({ table, state, rows }: SideFact): HealthCheck {
  switch (state) {
    case 'missing':
      return judged('side-tables', 'bad', `${table} is missing`)
    case 'foreign':
      return judged('side-tables', 'bad', `${table} was not made by k2`)
    case 'there':
      return judged('side-tables', 'good', rows === null ? table : `${table}, ${counted(rows, 'row')}`)
  }
}

function checkUnconfirmed({ progress, goneSideFiles }: HealthFacts): HealthCheck {
  const commits = positionsIn(progress)?.unconfirmed.length ?? 0
  const [gone] = goneSideFiles
  if (gone !== undefined) {
    return judged(
      'unconfirmed',
      'bad',
      `${counted(goneSideFiles.length, 'side file')} of main gone, among them ${gone}`,
    )
  }
  const found = commits === 0 ? 'no side files wait' : `side files of ${counted(commits, 'commit')} wait`
  return judged('unconfirmed', graded(commits, thresholds.unconfirmed), found)
}

function checkFiles({ files }: TableLook): HealthCheck {
  const { dataFiles, partitions, targetBytes } = files
  const [most] = partitions.toSorted((left, right) => right.savedFiles - left.savedFiles)
  const saved = most?.savedFiles ?? 0
  const verdict = graded(saved, thresholds.savedFiles)
  const all = `${counted(dataFiles, 'data file')} in ${counted(partitions.length, 'partition')}`
  if (most === undefined || verdict === 'good') return judged('files', verdict, all)
  const where = most.path === '' ? 'the table' : most.path
  const found = `${all}; ${where} has ${formatNumber(most.smallFiles)} far below the ${sizeText(targetBytes)} that are aimed at`
  return judged('files', verdict, `${found}, ${formatNumber(saved)} more than it needs`)
}

function checkManifests({ manifests }: TableLook): HealthCheck {
  const all = manifests.data + manifests.deletes
  const found = `${counted(all, 'manifest')}, ${sizeText(manifests.bytes)}`
  return judged('manifests', graded(all, thresholds.manifests), found)
}

function checkMetadata({ metadata, metadataBytes }: TableLook): HealthCheck {
  const files = metadata['metadata-log'].length + 1
  const isDeleted = metadata.properties['write.metadata.delete-after-commit.enabled'] === 'true'
  const size = metadataBytes === null ? 'unknown size' : sizeText(metadataBytes)
  const found = `metadata.json of ${size}, ${counted(files, 'metadata file')}${isDeleted ? '' : '; older ones are never deleted'}`
  const verdict = metadataBytes === null ? 'unknown' : graded(metadataBytes, thresholds.metadataBytes)
  return judged('metadata', worst([verdict, isDeleted ? 'good' : 'warn']), found)
}

function checkSnapshots({ look, nowMs, expiry }: HealthFacts): HealthCheck {
  const { snapshots } = look.metadata
  const oldest = snapshots.reduce((ms, snapshot) => Math.min(ms, snapshot['timestamp-ms']), nowMs)
  const age = snapshots.length === 0 ? '' : `, the oldest ${ageText(nowMs - oldest)} old`
  const waitedMs = expiry === null || expiry.waitingSinceMs === null ? 0 : nowMs - expiry.waitingSinceMs
  const verdict = worst([graded(snapshots.length, thresholds.snapshots), waitedMs > FREED_WAIT_MS ? 'warn' : 'good'])
  return judged('snapshots', verdict, `${counted(snapshots.length, 'snapshot')}${age}${outlookText(expiry, nowMs)}`)
}

function outlookText(expiry: ExpiryOutlook | null, nowMs: number): string {
  if (expiry === null) return ''
  if (!expiry.mayExpire) return '; nothing expires, the table says gc.enabled = false'
  const { snapshots, oldRefs, waiting, waitingSinceMs } = expiry
  const refs = oldRefs === 0 ? '' : ` and ${counted(oldRefs, 'ref')}`
  const next = `; the next expiry would remove ${counted(snapshots, 'snapshot')}${refs}`
  if (waiting === 0 || waitingSinceMs === null) return next
  return `${next}; files of ${waiting === 1 ? '1 expiry' : `${waiting} expiries`} wait to be deleted, since ${ageText(nowMs - waitingSinceMs)}`
}

function checkDeletes({ files }: TableLook): HealthCheck {
  const { position, equality, rows } = files.deleteFiles
  const all = position + equality
  if (all === 0) return judged('deletes', 'good', 'no delete files')
  const found = `${counted(position, 'position delete file')}, ${counted(equality, 'equality delete file')}, ${counted(rows, 'delete')}`
  return judged('deletes', graded(all, thresholds.deleteFiles), found)
}

function checkTotals({ head, files }: TableLook): HealthCheck {
  if (head === null) return judged('totals', 'good', 'no snapshot yet')
  const said = countsOf(head.summary)
  if (said.totalRows === null || said.totalFiles === null) {
    return judged('totals', 'unknown', 'the current snapshot does not say how much there is')
  }
  const isEqual = said.totalRows === files.rows && said.totalFiles === BigInt(files.dataFiles)
  const found = `${counted(files.rows, 'row')} in ${counted(files.dataFiles, 'data file')}`
  if (isEqual) return judged('totals', 'good', `${found}, as the snapshot says`)
  const other = `${counted(said.totalRows, 'row')} in ${counted(said.totalFiles, 'data file')}`
  return judged('totals', 'warn', `manifests hold ${found}, the snapshot says ${other}`)
}

function checkReferences({ looked, amiss, examples }: DeepFindings): HealthCheck {
  if (amiss === 0) return judged('references', 'good', `${counted(looked, 'file')} looked up, all there`)
  const [first] = examples
  const example = first === undefined ? '' : `, among them ${first.location} (${first.reason})`
  return judged('references', 'bad', `${formatNumber(amiss)} of ${counted(looked, 'file')} amiss${example}`)
}
