import { expect, test } from 'vitest'
import { isBeside, kindOf, looksOwn, requiredSides } from '../../../src/main/tables/table-kind.ts'
import { metadataOf } from '../../shared/commit/metadata-maker.ts'

const name = (table: string) => ({ namespace: ['m'], name: table })
const bare = metadataOf({ snapshots: [], head: null })
const main = metadataOf({ snapshots: [], head: null, property: '{}' })
const side = { ...bare, properties: { 'k2.applied': '[]' } }
const catalog = ['t', 't_v2', 't_v2_dead_letters'].map(name)

test('a table is ours by what K2 wrote into it: the property, the tag, or a commit id', () => {
  expect(kindOf(name('t'), bare, catalog)).toEqual({ kind: 'other' })
  expect(kindOf(name('t'), main, catalog)).toEqual({ kind: 'main' })
  const tagged = metadataOf({ snapshots: [{ id: 1n, parent: null }], head: null, tag: 1n })
  expect(kindOf(name('t'), tagged, catalog)).toEqual({ kind: 'main' })
  const stripped = metadataOf({ snapshots: [{ id: 1n, parent: null, summary: { 'k2.commit-id': 'x' } }], head: 1n })
  expect(kindOf(name('t'), stripped, catalog)).toEqual({ kind: 'main' })
})

test('a side table belongs to the longest name that it goes on from, in its own namespace', () => {
  expect(kindOf(name('t_v2_dead_letters'), side, catalog)).toEqual({ kind: 'side', main: 'm.t_v2' })
  expect(kindOf({ namespace: ['n'], name: 't_v2_dead_letters' }, side, catalog)).toEqual({ kind: 'side', main: null })
  expect(isBeside(name('t'), name('t2'))).toBe(false)
})

test('a table that cannot be read is taken for ours by its name, or by the side table beside it', () => {
  expect(['t', 't_v2', 't_v2_dead_letters'].map((each) => looksOwn(name(each), catalog))).toEqual([false, true, true])
  expect(requiredSides(name('t'))).toEqual([name('t_dead_letters')])
})
