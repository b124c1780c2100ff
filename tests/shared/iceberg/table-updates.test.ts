import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IngestError } from '../../../src/shared/errors.ts'
import type { TableMetadata, TableUpdate } from '../../../src/shared/iceberg/metadata.ts'
import { parseTableMetadata, writeTableMetadata } from '../../../src/shared/iceberg/metadata-json.ts'
import { applyUpdates } from '../../../src/shared/iceberg/table-updates.ts'
import { freshMetadata, snapshotOf, tradeSchema } from './table-fixture.ts'

const base = 8744736658442914000n
const setMain = (id: bigint): TableUpdate => ({
  action: 'set-snapshot-ref',
  'ref-name': 'main',
  type: 'branch',
  'snapshot-id': id,
})
const apply = (metadata: TableMetadata, updates: readonly TableUpdate[], now = 5_000): TableMetadata =>
  applyUpdates(metadata, updates, { now, previousLocation: null })

/** Main with `count` snapshots, one each 1,000 ms from 2,000 on. */
function grown(count: number): TableMetadata {
  let metadata = freshMetadata()
  for (let index = 1; index <= count; index++) {
    const id = base + BigInt(index)
    const snapshot = snapshotOf(id, index === 1 ? null : id - 1n, BigInt(index), 1_000 + index * 1_000)
    metadata = apply(metadata, [{ action: 'add-snapshot', snapshot }, setMain(id)], 1_000 + index * 1_000)
  }
  return metadata
}

describe('updates of a commit', () => {
  test('an append moves sequence number, head, snapshot log and time together', () => {
    const metadata = grown(2)
    expect(metadata['last-sequence-number']).toBe(2n)
    expect(metadata['current-snapshot-id']).toBe(base + 2n)
    expect(metadata.refs['main']).toEqual({ type: 'branch', 'snapshot-id': base + 2n })
    expect(metadata['snapshot-log']).toEqual([
      { 'snapshot-id': base + 1n, 'timestamp-ms': 2_000 },
      { 'snapshot-id': base + 2n, 'timestamp-ms': 3_000 },
    ])
    expect(metadata['last-updated-ms']).toBe(3_000)
  })

  test('a clock that went back does not take last-updated-ms back', () => {
    expect(apply(grown(2), [{ action: 'set-properties', updates: { a: '1' } }], 10)['last-updated-ms']).toBe(3_000)
  })

  test('a snapshot id that exists is a conflict: it may be our own earlier copy', () => {
    const again = { action: 'add-snapshot', snapshot: snapshotOf(base + 1n, base + 2n, 3n, 4_000) } as const
    expect(() => apply(grown(2), [again])).toThrow(expect.objectContaining({ code: 'COMMIT_CONFLICT' }))
  })

  test.each([1n, 2n, 0n])('sequence number %s on a table at 2 is a conflict', (sequenceNumber) => {
    const snapshot = snapshotOf(base + 9n, base + 2n, sequenceNumber, 4_000)
    expect(() => apply(grown(2), [{ action: 'add-snapshot', snapshot }])).toThrow(
      expect.objectContaining({ code: 'COMMIT_CONFLICT' }),
    )
  })

  test('a snapshot more than a minute older than the newest is refused, as readers would refuse the table', () => {
    const late = apply(freshMetadata(), [
      { action: 'add-snapshot', snapshot: snapshotOf(base, null, 1n, 200_000) },
      setMain(base),
    ])
    const older = (timestampMs: number) => (): TableMetadata =>
      apply(late, [{ action: 'add-snapshot', snapshot: snapshotOf(base + 1n, base, 2n, timestampMs) }])
    expect(older(139_999)).toThrow(expect.objectContaining({ code: 'COMMIT_REJECTED' }))
    expect(older(140_000)).not.toThrow()
  })

  test('a tag names a snapshot without moving main, and may be moved and removed', () => {
    const tagged = apply(grown(2), [
      { action: 'set-snapshot-ref', 'ref-name': 'k2', type: 'tag', 'snapshot-id': base + 1n },
    ])
    expect(tagged.refs['k2']).toEqual({ type: 'tag', 'snapshot-id': base + 1n })
    expect(tagged['current-snapshot-id']).toBe(base + 2n)
    expect(tagged['snapshot-log']).toHaveLength(2)
    expect(Object.keys(apply(tagged, [{ action: 'remove-snapshot-ref', 'ref-name': 'k2' }]).refs)).toEqual(['main'])
  })

  test('setting main to where it is leaves the history alone', () => {
    expect(apply(grown(2), [setMain(base + 2n)])['snapshot-log']).toHaveLength(2)
  })

  test('rolling main back is written into the history', () => {
    const metadata = apply(grown(3), [setMain(base + 1n)], 9_000)
    expect(metadata['current-snapshot-id']).toBe(base + 1n)
    expect(metadata['snapshot-log'].at(-1)).toEqual({ 'snapshot-id': base + 1n, 'timestamp-ms': 9_000 })
  })

  test('a new snapshot is the head from its own time on, however long its commit took: the table as of that time shows it', () => {
    const snapshot = snapshotOf(base + 3n, base + 2n, 3n, 4_000)
    const metadata = apply(grown(2), [{ action: 'add-snapshot', snapshot }, setMain(base + 3n)], 9_000)
    expect(metadata['snapshot-log'].at(-1)).toEqual({ 'snapshot-id': base + 3n, 'timestamp-ms': 4_000 })
    expect(metadata['last-updated-ms']).toBe(9_000)
    const skewed = snapshotOf(base + 3n, base + 2n, 3n, 2_500)
    const behind = apply(grown(2), [{ action: 'add-snapshot', snapshot: skewed }, setMain(base + 3n)], 9_000)
    expect(behind['snapshot-log'].at(-1)).toEqual({ 'snapshot-id': base + 3n, 'timestamp-ms': 3_000 })
  })

  test('expired snapshots go with the history before them and their statistics', () => {
    const rest = { statistics: [{ 'snapshot-id': base + 1n }, { 'snapshot-id': base + 3n }], other: 1 }
    const metadata = apply({ ...grown(3), rest }, [
      { action: 'remove-snapshots', 'snapshot-ids': [base + 2n, base + 1n] },
    ])
    expect(metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])).toEqual([base + 3n])
    expect(metadata['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual([base + 3n])
    expect(metadata.rest).toEqual({ statistics: [{ 'snapshot-id': base + 3n }], other: 1 })
  })

  test.each<[string, TableUpdate]>([
    ['a ref to a snapshot that is not there', setMain(7n)],
    ['main as a tag', { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'tag', 'snapshot-id': base + 1n }],
    ['a current schema that is not there', { action: 'set-current-schema', 'schema-id': 8 }],
    ['the last added schema where none was added', { action: 'set-current-schema', 'schema-id': -1 }],
  ])('%s is rejected', (_, update) => {
    expect(() => apply(grown(3), [update])).toThrow(expect.objectContaining({ code: 'COMMIT_REJECTED' }))
  })

  test('removing a snapshot that a ref names is a conflict: the ref was set since the removal was planned', () => {
    const update = { action: 'remove-snapshots', 'snapshot-ids': [base + 3n] } as const
    expect(() => apply(grown(3), [update])).toThrow(expect.objectContaining({ code: 'COMMIT_CONFLICT' }))
  })

  test('properties are set and removed in order', () => {
    const metadata = apply(freshMetadata(), [
      { action: 'set-properties', updates: { a: '1', b: '2' } },
      { action: 'remove-properties', removals: ['a', 'none'] },
      { action: 'set-properties', updates: { c: '3' } },
    ])
    expect(metadata.properties).toMatchObject({ b: '2', c: '3' })
    expect(metadata.properties).not.toHaveProperty('a')
  })

  test('a new schema gets the next id and becomes current by -1; an equal one is reused', () => {
    const wider = {
      ...tradeSchema,
      fields: [...tradeSchema.fields, { id: 5, name: 'side', required: false, type: 'string' }],
    }
    const evolved = apply(freshMetadata(), [
      { action: 'add-schema', schema: wider },
      { action: 'set-current-schema', 'schema-id': -1 },
    ])
    expect(evolved['current-schema-id']).toBe(1)
    expect(evolved['last-column-id']).toBe(5)
    const back = apply(evolved, [
      { action: 'add-schema', schema: { ...tradeSchema, 'schema-id': 99 } },
      { action: 'set-current-schema', 'schema-id': -1 },
    ])
    expect(back.schemas).toHaveLength(2)
    expect(back['current-schema-id']).toBe(0)
    expect(back['last-column-id']).toBe(5)
  })

  test('the replaced file enters the metadata log, which is capped by the table property', () => {
    let metadata = freshMetadata({ 'write.metadata.previous-versions-max': '3' })
    for (let version = 0; version < 5; version++) {
      metadata = applyUpdates(metadata, [], { now: 2_000 + version, previousLocation: `file-${version}` })
    }
    expect(metadata['metadata-log']).toEqual([
      { 'metadata-file': 'file-2', 'timestamp-ms': 2_001 },
      { 'metadata-file': 'file-3', 'timestamp-ms': 2_002 },
      { 'metadata-file': 'file-4', 'timestamp-ms': 2_003 },
    ])
  })

  test('the metadata given is left as it was', () => {
    const metadata = grown(2)
    const before = structuredClone(metadata)
    apply(metadata, [
      { action: 'add-snapshot', snapshot: snapshotOf(base + 3n, base + 2n, 3n, 4_000) },
      setMain(base + 3n),
    ])
    expect(metadata).toEqual(before)
  })
})

const anyId = fc.integer({ min: 1, max: 6 }).map((index) => base + BigInt(index))
const anyUpdate: fc.Arbitrary<TableUpdate> = fc.oneof(
  fc
    .record({
      id: anyId,
      sequenceNumber: fc.bigInt({ min: 0n, max: 9n }),
      timestampMs: fc.integer({ min: 0, max: 200_000 }),
    })
    .map(
      ({ id, sequenceNumber, timestampMs }): TableUpdate => ({
        action: 'add-snapshot',
        snapshot: snapshotOf(id, null, sequenceNumber, timestampMs),
      }),
    ),
  anyId.map(setMain),
  fc
    .record({ id: anyId, name: fc.constantFrom('main', 'k2', 'other') })
    .map(
      ({ id, name }): TableUpdate => ({ action: 'set-snapshot-ref', 'ref-name': name, type: 'tag', 'snapshot-id': id }),
    ),
  fc
    .constantFrom('main', 'k2', 'other')
    .map((name): TableUpdate => ({ action: 'remove-snapshot-ref', 'ref-name': name })),
  fc.uniqueArray(anyId).map((ids): TableUpdate => ({ action: 'remove-snapshots', 'snapshot-ids': ids })),
  fc.constant<TableUpdate>({ action: 'add-schema', schema: tradeSchema }),
)

function expectSound(metadata: TableMetadata, before: TableMetadata): void {
  const ids = metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])
  expect(new Set(ids).size).toBe(ids.length)
  expect(metadata['last-sequence-number']).toBeGreaterThanOrEqual(before['last-sequence-number'])
  expect(metadata['last-updated-ms']).toBeGreaterThanOrEqual(before['last-updated-ms'])
  for (const snapshot of metadata.snapshots) {
    expect(snapshot['sequence-number']).toBeLessThanOrEqual(metadata['last-sequence-number'])
  }
  for (const ref of Object.values(metadata.refs)) expect(ids).toContain(ref['snapshot-id'])
  expect(metadata.refs['main']?.['snapshot-id'] ?? null).toBe(metadata['current-snapshot-id'])
  const log = metadata['snapshot-log']
  for (const entry of log) expect(ids).toContain(entry['snapshot-id'])
  const times = log.map((entry) => entry['timestamp-ms'])
  expect(times).toEqual(times.toSorted((left, right) => left - right))
  if (metadata['current-snapshot-id'] !== null)
    expect(log.at(-1)?.['snapshot-id']).toBe(metadata['current-snapshot-id'])
}

describe('any sequence of commits', () => {
  test('is refused or leaves metadata that is sound and survives its own file', () => {
    let appliedCount = 0
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(anyUpdate, { maxLength: 4 }), fc.integer({ min: 0, max: 200_000 })), {
          maxLength: 8,
        }),
        (commits) => {
          let metadata = freshMetadata()
          for (const [updates, now] of commits) {
            try {
              const next = applyUpdates(metadata, updates, { now, previousLocation: 'file' })
              expectSound(next, metadata)
              expect(parseTableMetadata(writeTableMetadata(next), 'file')).toEqual(next)
              metadata = next
              appliedCount++
            } catch (error) {
              if (!(error instanceof IngestError) || !error.code.startsWith('COMMIT_')) throw error
            }
          }
        },
      ),
      { numRuns: 300 },
    )
    expect(appliedCount).toBeGreaterThan(300)
  })
})
