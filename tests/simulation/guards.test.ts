// Takes each guard out, one at a time, and demands that the simulation finds what design section 3 says it protects: safety (DOUBLE,
// LOST, DANGLING, FOREIGN_LOST, a wrong stop), or the second property beside it (LANDED_AS_FENCED, READ_TWICE, LATE_COPY, CLOCK_BACK,
// LINE_CUT, REF_LOST, READER_LOST).
import { describe, expect, it } from 'vitest'
import type { Guards } from '../../src/shared/commit/guards.ts'
import { guards } from '../../src/shared/commit/guards.ts'
import { commitId } from '../../src/shared/commit/positions.ts'
import { parsePositions } from '../../src/shared/commit/positions-json.ts'
import { readPositions } from '../../src/shared/commit/read-positions.ts'
import { REPLAY_TOPIC } from '../../src/shared/commit/replay-position.ts'
import type { ScheduleOptions } from './schedule.ts'
import { findViolation } from './schedule.ts'

interface Removal {
  readonly name: string
  readonly without: Partial<Guards>
  /** What may be found; anything else fails the test. */
  readonly finds: readonly string[]
  readonly options?: ScheduleOptions
}

const fencedButReplays: Guards['fenced'] = (positions, ranges) =>
  guards.fenced(
    positions,
    ranges.filter(({ topic }) => topic !== REPLAY_TOPIC),
  )

const removals: readonly Removal[] = [
  {
    name: '1 (positions equal the first offsets, at the first send and at each resend)',
    without: { fenced: () => [], fencedAgain: () => [] },
    finds: ['DOUBLE', 'LOST'],
  },
  {
    name: '1 (a fenced range drops the whole group, as files mix partitions)',
    without: { droppedWith: (fenced) => fenced },
    finds: ['DOUBLE'],
  },
  {
    name: '1 (the request asserts the head that was checked)',
    without: { requirements: () => [] },
    finds: ['FOREIGN_LOST', 'DOUBLE', 'LOST', 'DANGLING'],
  },
  {
    name: '2 (the check is repeated before a resend)',
    without: { fencedAgain: () => [] },
    finds: ['DOUBLE', 'LOST'],
  },
  {
    name: '3 (positions count only while their snapshot is an ancestor of the head)',
    without: {
      read: (metadata) => {
        const text = metadata.properties['k2.positions']
        return text === undefined ? { kind: 'none' } : { kind: 'trusted', positions: parsePositions(text) }
      },
    },
    finds: ['LOST'],
  },
  {
    name: '3 (where expiry cut the line, the rows decide)',
    without: {
      read: (metadata) => {
        const verdict = readPositions(metadata)
        return verdict.kind === 'evidence' ? { kind: 'trusted', positions: verdict.positions } : verdict
      },
    },
    finds: ['LOST'],
    options: { maintained: true },
  },
  {
    name: '3 (a snapshot without rows hands on the evidence of the one before it)',
    without: { evidence: () => ({ ranges: [], rows: 0n }) },
    finds: ['LOST'],
    options: { maintained: true, quiet: true, rollbacks: true },
  },
  {
    name: '3 (a cut line goes on where the rows are there)',
    without: { evidenceHolds: () => false },
    finds: ['STOP:rows-missing'],
    options: { maintained: true },
  },
  {
    name: '4 (the own commit is looked for among the ancestors)',
    without: { landed: () => null },
    finds: ['LANDED_AS_FENCED'],
  },
  {
    name: '4 (a conflict may be the own earlier copy)',
    without: { classify: ({ kind }) => (kind === 'done' ? 'done' : kind === 'conflict' ? 'rejected' : 'verify') },
    finds: ['STOP:COMMIT_REJECTED'],
  },
  {
    name: '4 (a lost answer is no failure)',
    without: { classify: ({ kind }) => (kind === 'done' ? 'done' : kind === 'unknown' ? 'rejected' : 'verify') },
    finds: ['STOP:COMMIT_REJECTED'],
  },
  {
    name: '4 (no file is deleted while an attempt is unknown)',
    without: { discardable: (attempts, landed) => (landed === null ? attempts.flatMap(({ written }) => written) : []) },
    finds: ['DANGLING'],
  },
  {
    name: '5 (the snapshot id is constant; the tag, which shields it, is not asserted either)',
    without: { snapshotId: (constant, attempt) => constant + BigInt(attempt) * 1_000_000n, tagRequirement: () => [] },
    finds: ['LATE_COPY'],
    options: { alone: true, maintained: true, rollbacks: true },
  },
  {
    name: '5 (the commit id names the ranges)',
    without: { commitId: (uuid, history) => `${uuid}-${history}` },
    finds: ['READ_TWICE', 'LOST', 'LATE_COPY'],
  },
  {
    name: '5 (the request asserts the tag, so that a rollback cannot let a late copy in)',
    without: { tagRequirement: () => [] },
    finds: ['LATE_COPY', 'DOUBLE'],
  },
  {
    name: '6 (main names its side files)',
    without: { named: () => [] },
    finds: ['LOST'],
  },
  {
    name: '6 (what the side table holds is not appended again)',
    without: { pending: (unconfirmed, table) => unconfirmed.filter((entry) => entry.table === table) },
    finds: ['DOUBLE'],
  },
  {
    name: '6 (applied ids are kept until main has dropped them)',
    without: {
      nextApplied: (_applied, _unconfirmed, _table, appended) => new Set(appended.map(({ commit }) => commit)),
    },
    finds: ['DOUBLE'],
  },
  {
    name: '6 (main drops only what its side table holds)',
    without: { dropConfirmed: () => [] },
    finds: ['LOST'],
  },
  {
    name: '6 (the side table is read before main)',
    without: {},
    finds: ['DOUBLE'],
    options: { mainFirst: true, sleepy: true },
  },
  {
    name: '8 (files and staged attempts older than an hour are not sent)',
    without: { tooOld: () => false },
    finds: ['DANGLING'],
  },
  {
    name: '9 (a position below the log start stops)',
    without: { outside: () => null },
    finds: ['LOST'],
    options: { overrun: true },
  },
  {
    name: '10 (ranges without rows move positions, too)',
    without: { moved: (ranges, work) => (work.kind === 'group' && work.dataFiles.length === 0 ? [] : ranges) },
    finds: ['READ_TWICE', 'DOUBLE'],
  },
  {
    name: '11 (a replay moves a position of its own)',
    without: { moved: (ranges, work) => (work.kind === 'group' && work.replay !== undefined ? [] : ranges) },
    finds: ['DOUBLE', 'LATE_COPY', 'NOT_REPLAYED'],
    options: { replays: true },
  },
  {
    name: '11 (the position of a replay is that of its look)',
    without: { fenced: fencedButReplays, fencedAgain: fencedButReplays },
    finds: ['DOUBLE'],
    options: { replays: true },
  },
  {
    name: '11 (the commit id of a replay names its records)',
    without: { commitId: (uuid, history, ranges) => commitId(uuid, history, ranges) },
    finds: ['NOT_REPLAYED'],
    options: { replays: true },
  },
  {
    name: '12 (the time of a snapshot is never before the table’s own)',
    without: { timestampMs: (nowMs) => nowMs },
    finds: ['CLOCK_BACK'],
  },
  {
    name: '13 (expiry keeps the line to the last snapshot of ours)',
    without: { keptByMarks: () => ({ refs: new Set(['main', 'k2']), snapshots: new Set() }) },
    finds: ['LINE_CUT'],
    options: { upkeep: true, maintained: true },
  },
  {
    name: '13 (an expiry holds only on the head and refs it was planned on)',
    without: { expiryRequirements: () => [] },
    finds: ['REF_LOST', 'LINE_CUT'],
    options: { upkeep: true },
  },
  {
    name: '14 (what a snapshot of the table reaches is not deleted)',
    without: { unreached: (named) => named },
    finds: ['DANGLING'],
    options: { upkeep: true },
  },
  {
    name: '14 (files stay for a grace)',
    without: { graceOver: () => true },
    finds: ['READER_LOST'],
    options: { upkeep: true },
  },
]

/** Enough that each removal is found many times over (docs/protocol.md has the counts); a removal is found early or not at all. */
const SCHEDULES_MAX = 20_000

describe('a guard taken out is found', () => {
  for (const { name, without, finds, options } of removals) {
    it(`guard ${name}: ${finds.join(', ')}`, () => {
      const found = findViolation(SCHEDULES_MAX, { ...guards, ...without }, options)
      if (process.env['K2_SHOW'] !== undefined) console.log(`guard ${name}: ${found?.violation} at seed ${found?.seed}`)
      expect(found, 'the simulation found nothing').not.toBeNull()
      expect(finds, `K2 seed ${found?.seed}`).toContain(found?.violation)
    }, 120_000)
  }

  const alone = { alone: true, maintained: true, rollbacks: true }

  it('without the tag assertion the constant snapshot id still keeps the copies of one pod apart (guard 5)', () => {
    const found = findViolation(2_000, { ...guards, tagRequirement: () => [] }, alone)
    expect(found).toBeNull()
  }, 120_000)

  it('and with all of them in place the same schedules end well', () => {
    for (const options of [
      { maintained: true },
      { sleepy: true },
      { replays: true },
      { replays: true, maintained: true },
      alone,
      { maintained: true, quiet: true, rollbacks: true },
      { overrun: true },
      { upkeep: true, maintained: true },
    ]) {
      expect(findViolation(1_000, guards, options), JSON.stringify(options)).toBeNull()
    }
  }, 120_000)
})
