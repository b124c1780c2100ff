import { expect, test } from 'vitest'
import { renderProof } from '../../../src/main/terminal/proof.ts'
import { styleFor } from '../../../src/main/terminal/style.ts'
import { buildReport, type PartitionReport, type VerifyReport } from '../../../src/shared/verify/report.ts'

const plain = styleFor({ color: false })

const nothing = {
  control: 0,
  aborted: 0,
  open: 0,
  compacted: 0,
  tombstones: 0,
  deadLetters: 0,
  belowLogStart: 0,
  acceptedGap: 0,
}
const partition = (more: Partial<PartitionReport>): PartitionReport => ({
  topic: 'market.equities.trades.asx',
  topicId: 'id',
  partition: 0,
  start: '0',
  next: '100000',
  logStart: '0',
  logEnd: '100000',
  sourceRecords: 99_999,
  tableRows: 99_998,
  deadLetters: 1,
  equal: 99_998,
  explained: { ...nothing, deadLetters: 1, compacted: 1 },
  goneFromSource: 0,
  replayed: 0,
  notYetCommitted: 0,
  missing: 0,
  duplicate: 0,
  extra: 0,
  changed: 0,
  ...more,
})
const report = (more: Partial<Parameters<typeof buildReport>[0]>): VerifyReport =>
  buildReport({
    table: 'market_data.trades_v2',
    snapshotId: '42',
    partitions: [partition({})],
    problems: [],
    contested: {},
    adoptedRows: 0,
    foreignRows: 0,
    examples: [],
    files: 1,
    durationMs: 1234,
    ...more,
  })

test('a proof lists partitions, the reasons of offsets without a row, and its verdict', () => {
  const second = { partition: 1, next: '545', sourceRecords: 545, tableRows: 545, equal: 545, explained: nothing }
  const text = renderProof(report({ partitions: [partition({}), partition({ ...second, notYetCommitted: 7 })] }), plain)
  expect(text).toBe(
    [
      'Proof market_data.trades_v2, snapshot 42',
      '┌────────────────────────────┬───────────┬─────────────┬─────────┬─────────┬─────────┬───────────┬─────────┬───────────┬───────┬─────────┐',
      '│ Topic                      │ Partition │     Offsets │ Records │    Rows │   Equal │ Explained │ Missing │ Duplicate │ Extra │ Changed │',
      '├────────────────────────────┼───────────┼─────────────┼─────────┼─────────┼─────────┼───────────┼─────────┼───────────┼───────┼─────────┤',
      '│ market.equities.trades.asx │         0 │ [0, 100000) │  99,999 │  99,998 │  99,998 │         2 │       0 │         0 │     0 │       0 │',
      '│ market.equities.trades.asx │         1 │    [0, 545) │     545 │     545 │     545 │         0 │       0 │         0 │     0 │       0 │',
      '│ total                      │         2 │     100,545 │ 100,544 │ 100,543 │ 100,543 │         2 │       0 │         0 │     0 │       0 │',
      '└────────────────────────────┴───────────┴─────────────┴─────────┴─────────┴─────────┴───────────┴─────────┴───────────┴───────┴─────────┘',
      '  explained: 1 dead letters',
      '  explained: 1 compacted away, or left out by the producer',
      '  7 records beyond the committed positions',
      'PROVEN: table and source are equal: 0 missing, 0 duplicate, 0 extra, 0 changed (1.23 s)',
      '',
    ].join('\n'),
  )
})

test('a proof with any difference or problem is none, and says so in red', () => {
  const broken = [
    ...[{ missing: 1 }, { duplicate: 1 }, { extra: 1 }, { changed: 1 }].map((more) => ({
      partitions: [partition(more)],
    })),
    { problems: ['a manifest counts 5 rows, its file holds 4'] },
  ]
  for (const more of broken) {
    expect(renderProof(report(more), plain)).toContain('NOT PROVEN: ')
    expect(renderProof(report(more), styleFor({ color: true }))).toContain('\u001b[31mNOT PROVEN: ')
  }
})

test('differences are shown by place and column', () => {
  const example = {
    kind: 'changed',
    topic: 't',
    partition: 3,
    offset: '77',
    reason: 'values differ',
    columns: [{ column: 'price', source: '38.41', table: '38.40' }],
  } as const
  const text = renderProof(report({ partitions: [partition({ changed: 1 })], examples: [example] }), plain)
  expect(text).toContain('\nchanged: t 3 offset 77: values differ\n  price: source 38.41, table 38.40\nNOT PROVEN: ')
})

test('a proof of many partitions lists those with a difference and totals all', () => {
  const one = { next: '1', sourceRecords: 1, tableRows: 1, equal: 1, explained: nothing }
  const partitions = Array.from({ length: 100 }, (_, index) =>
    partition({ ...one, partition: index, missing: index === 77 ? 1 : 0 }),
  )
  const lines = renderProof(report({ partitions }), plain).split('\n')
  expect(lines.filter((line) => line.includes('asx'))).toHaveLength(1)
  expect(lines.find((line) => line.includes('total, with those not listed'))).toMatch(/ 100 │ +100 │ +100 │ +100 │/)
})
