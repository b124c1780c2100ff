// A log of records of every kind of column, the rows it should become, and the verification of a table made of other rows:
// what the seeded-fault tests have in common.
import type { Row } from '../../support/column-maker.ts'
import { LogMaker, makeTable, type Sample, type TableContent, verify, writeLog } from './verify-world.ts'
import { wideAvro, wideSample, wideSchema } from './wide-sample.ts'

export const schemas = new Map<number, unknown>([[1, wideAvro]])
export const samples = (first: number, next: number, partition = 0): Sample[] =>
  Array.from({ length: next - first }, (_, index) => wideSample(first + index, partition))
export const rowsOf = (list: readonly Sample[]): Row[] => list.map((sample) => sample.row)
export const total = 40

export const cleanLog = (): string =>
  writeLog(new Map([[0, new LogMaker().records(samples(0, 15)).records(samples(15, total), { codec: 'lz4' })]]))

/** Verifies a table of these files against the clean log. */
export async function check(
  files: ReadonlyArray<readonly Row[]>,
  more: Partial<TableContent> = {},
  source = cleanLog(),
) {
  const table = await makeTable({ schema: wideSchema, files, positions: new Map([[0, [0, total]]]), ...more })
  return verify(source, table, schemas)
}
export const rows = rowsOf(samples(0, total))
export const at = (index: number): Row => rows[index] as Row
export const without = (index: number): Row[] => rows.filter((_, each) => each !== index)
export const changed = (index: number, change: Row): Row[] =>
  rows.map((row, each) => (each === index ? { ...row, ...change } : row))
export const garbled = (offset: number, value: Uint8Array | null): Sample => ({ ...wideSample(offset), value })
