import { describe, expect, test } from 'vitest'
import type { TableMetadata, TableRequirement } from '../../../src/shared/iceberg/metadata.ts'
import { checkRequirements } from '../../../src/shared/iceberg/table-requirements.ts'
import { applyUpdates } from '../../../src/shared/iceberg/table-updates.ts'
import { freshMetadata, snapshotOf } from './table-fixture.ts'

const fresh = freshMetadata()
const head = 8744736658442914487n
const grown = applyUpdates(
  fresh,
  [
    { action: 'add-snapshot', snapshot: snapshotOf(head, null, 1n, 2_000) },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': head },
  ],
  { now: 2_000, previousLocation: null },
)
const uuid = fresh['table-uuid']

describe('requirements of a commit', () => {
  test.each<[string, TableMetadata | null, TableRequirement, string | null]>([
    ['creation of a new table', null, { type: 'assert-create' }, null],
    ['creation of one that exists', fresh, { type: 'assert-create' }, 'table exists already'],
    ['anything on a missing table', null, { type: 'assert-table-uuid', uuid }, 'table does not exist'],
    ['the right uuid', fresh, { type: 'assert-table-uuid', uuid }, null],
    ['the right uuid in capitals', fresh, { type: 'assert-table-uuid', uuid: uuid.toUpperCase() }, null],
    ['another uuid', fresh, { type: 'assert-table-uuid', uuid: 'x' }, `table uuid is ${uuid}, expected x`],
    ['no head where there is none', fresh, { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }, null],
    [
      'no head where there is one',
      grown,
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null },
      `snapshot of main is ${head}, expected none`,
    ],
    ['the head', grown, { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': head }, null],
    [
      'a head one beside it, which a number could not tell',
      grown,
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': head + 1n },
      `snapshot of main is ${head}, expected ${head + 1n}`,
    ],
    [
      'a head where there is none',
      fresh,
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': head },
      `snapshot of main is none, expected ${head}`,
    ],
    ['the schema', fresh, { type: 'assert-current-schema-id', 'current-schema-id': 0 }, null],
    [
      'another schema',
      fresh,
      { type: 'assert-current-schema-id', 'current-schema-id': 1 },
      'current schema id is 0, expected 1',
    ],
    ['the last field id', fresh, { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 4 }, null],
    [
      'another last field id',
      fresh,
      { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 3 },
      'last assigned field id is 4, expected 3',
    ],
    ['the spec', fresh, { type: 'assert-default-spec-id', 'default-spec-id': 0 }, null],
    [
      'another spec',
      fresh,
      { type: 'assert-default-spec-id', 'default-spec-id': 2 },
      'default spec id is 0, expected 2',
    ],
  ])('%s', (_, metadata, requirement, reason) => {
    expect(checkRequirements(metadata, [requirement])).toBe(reason)
  })

  test('all must hold, and the first that does not is the reason', () => {
    const right: TableRequirement = { type: 'assert-table-uuid', uuid }
    const wrong: TableRequirement = { type: 'assert-default-spec-id', 'default-spec-id': 9 }
    expect(checkRequirements(fresh, [right, wrong])).toContain('default spec id')
    expect(checkRequirements(fresh, [right, right])).toBeNull()
    expect(checkRequirements(fresh, [])).toBeNull()
  })
})
