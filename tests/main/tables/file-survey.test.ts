import { expect, test } from 'vitest'
import { FileSurvey } from '../../../src/main/tables/file-survey.ts'
import type { ManifestEntry } from '../../../src/shared/iceberg/manifest.ts'
import { day, freshMetadata } from '../../shared/iceberg/table-fixture.ts'

function entry(partition: string | null, rows: number, bytes: number, content = 0): ManifestEntry {
  return {
    status: 'added',
    snapshotId: 1n,
    sequenceNumber: 1n,
    fileSequenceNumber: 1n,
    file: {
      content,
      file_path: 'x',
      file_format: 'PARQUET',
      partition: [partition === null ? null : day(partition)],
      record_count: BigInt(rows),
      file_size_in_bytes: BigInt(bytes),
      rest: {},
    },
  }
}

const metadata = freshMetadata({ 'write.target-file-size-bytes': '1000' })

test('rows, bytes and files are summed up per partition, in the order of their paths', () => {
  const survey = new FileSurvey(metadata)
  for (const each of [entry('2014-03-11', 1, 900), entry('2014-03-10', 2, 1000), entry('2014-03-11', 4, 124)]) {
    survey.add(each, 0)
  }
  survey.add(entry(null, 8, 10), 0)
  const { partitions, ...totals } = survey.totals()
  expect(totals).toMatchObject({ dataFiles: 4, rows: 15n, bytes: 2034n, smallestBytes: 10n, largestBytes: 1000n })
  expect(partitions.map(({ path, files, rows, bytes, smallFiles }) => [path, files, rows, bytes, smallFiles])).toEqual([
    ['timestamp_day=2014-03-10', 1, 2n, 1000n, 0],
    ['timestamp_day=2014-03-11', 2, 5n, 1024n, 1],
    ['timestamp_day=null', 1, 8n, 10n, 1],
  ])
})

test('small files count by what putting them together would save', () => {
  const survey = new FileSurvey(metadata)
  // 30 × 100 bytes fit three files of 1,000; a lone small file can be joined with nothing.
  for (let index = 0; index < 30; index++) survey.add(entry('2014-03-10', 1, 100), 0)
  survey.add(entry('2014-03-11', 1, 1), 0)
  survey.add(entry('2014-03-12', 1, 125), 0)
  expect(survey.totals().partitions.map(({ smallFiles, savedFiles }) => [smallFiles, savedFiles])).toEqual([
    [30, 27],
    [1, 0],
    [0, 0],
  ])
})

test('delete files are told apart and are no data files', () => {
  const survey = new FileSurvey(metadata)
  survey.add(entry('2014-03-10', 5, 100), 0)
  survey.add(entry('2014-03-10', 2, 10, 1), 0)
  survey.add(entry('2014-03-10', 3, 10, 2), 0)
  const { dataFiles, rows, deleteFiles } = survey.totals()
  expect([dataFiles, rows, deleteFiles]).toEqual([1, 5n, { position: 1, equality: 1, rows: 5n }])
})

test('partitions beyond the bound are counted together', () => {
  const survey = new FileSurvey(metadata, 2)
  for (let date = 10; date < 20; date++) survey.add(entry(`2014-03-${date}`, 1, 10), 0)
  survey.add(entry('2014-03-11', 1, 10), 0)
  const { partitions, otherFiles, rows } = survey.totals()
  expect([partitions.map(({ files }) => files), otherFiles, rows]).toEqual([[1, 2], 8, 11n])
})

test('an empty table has nothing', () => {
  expect(new FileSurvey(metadata).totals()).toMatchObject({
    dataFiles: 0,
    rows: 0n,
    smallestBytes: null,
    largestBytes: null,
    partitions: [],
  })
})
