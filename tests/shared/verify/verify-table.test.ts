import { describe, expect, it } from 'vitest'
import type { Row } from '../../support/column-maker.ts'
import { counts, LogMaker, makeTable, type Sample, verify, writeLog } from './verify-world.ts'
import { wideAvro, wideSample, wideSchema } from './wide-sample.ts'

const schemas = new Map<number, unknown>([[1, wideAvro]])
const samples = (first: number, next: number): Sample[] =>
  Array.from({ length: next - first }, (_, index) => wideSample(first + index))
const rows = (list: readonly Sample[]): Row[] => list.map((sample) => sample.row)

const clean = async () => {
  const log = new LogMaker().records(samples(0, 30)).records(samples(30, 60), { codec: 'lz4' })
  return writeLog(new Map([[0, log]]))
}

describe('verify', () => {
  it('finds a table of every column kind equal to its log', async () => {
    const table = await makeTable({
      schema: wideSchema,
      files: [rows(samples(0, 25)), rows(samples(25, 60))],
      positions: new Map([[0, [0, 60]]]),
      dictionaries: new Set([9, 41]),
    })
    const report = await verify(await clean(), table, schemas)
    expect(report.examples).toEqual([])
    expect(counts(report)).toEqual([0, 0, 0, 0])
    expect(report.verdict).toBe('equal')
  })
})
