// The columns in which changed rows differ: a third look, at a handful of records only. One thread.

import type { IcebergSchema } from '../iceberg/schema.ts'
import type { TombstonePolicy } from '../messages.ts'
import type { Store } from '../store/store.ts'
import { bucketOf } from './buckets.ts'
import type { LogBatch } from './log-batch.ts'
import type { RecordWalk } from './log-records.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import type { PinnedFile } from './pinned-table.ts'
import { type Plans, RecordJudge } from './record-judge.ts'
import type { RowKeys } from './row-keys.ts'
import { type ColumnDifference, compareTexts, RowTexts } from './row-text.ts'
import type { Difference } from './second-pass.ts'
import { SourceRows } from './source-rows.ts'
import { type SourceVisitor, scanSource } from './source-scan.ts'
import { openTableFile, readRowGroup } from './table-file.ts'
import type { Transactions } from './transactions.ts'

export interface TouchedFile {
  readonly location: string
  readonly touched: ReadonlyMap<PartitionLedger, ReadonlySet<number>>
  readonly addedBy: PinnedFile['addedBy']
}

export interface ExampleSides {
  readonly store: Store
  readonly schema: IcebergSchema
  readonly files: readonly TouchedFile[]
  readonly keys: RowKeys
  readonly plans: Plans
  readonly tombstone: TombstonePolicy
  readonly transactions: ReadonlyMap<PartitionLedger, Transactions>
  readonly decompressedBytesMax: number
}

type Texts = Map<string, string>
const columnsMax = 5

/** Differing columns of each changed row given; the map lacks those that could not be found again. */
export async function explainChanges(
  changes: readonly Difference[],
  sides: ExampleSides,
): Promise<Map<Difference, ColumnDifference[]>> {
  const explained = new Map<Difference, ColumnDifference[]>()
  for (const change of changes) {
    const source = await sourceTexts(change, sides)
    const rows = await tableTexts(change, sides)
    const columns = rows.map((row) => compareTexts(source, row, columnsMax)).find((found) => found.length > 0)
    if (columns !== undefined) explained.set(change, columns)
  }
  return explained
}

async function sourceTexts(change: Difference, sides: ExampleSides): Promise<Texts> {
  const { ledger, offset } = change
  const transactions = sides.transactions.get(ledger)
  const texts: Texts = new Map()
  if (ledger.log === null || transactions === undefined) return texts
  const rows = new SourceRows(new RowTexts(sides.schema, new Map([[0, texts]])), sides.schema)
  rows.enter(ledger.log)
  const visitor = new OneRecord(offset, new RecordJudge(rows, sides.plans, sides.tombstone), sides.plans)
  const { decompressedBytesMax } = sides
  await scanSource(ledger.log, transactions, visitor, { from: offset, to: offset + 1, decompressedBytesMax })
  return texts
}

class OneRecord implements SourceVisitor {
  readonly #offset: number
  readonly #judge: RecordJudge<RowTexts>
  readonly #plans: Plans

  constructor(offset: number, judge: RecordJudge<RowTexts>, plans: Plans) {
    this.#offset = offset
    this.#judge = judge
    this.#plans = plans
  }

  absent(): void {}
  passed(): void {}

  wants(batch: LogBatch): boolean {
    return batch.baseOffset <= this.#offset && this.#offset < batch.nextOffset
  }

  block(bytes: Uint8Array): void {
    this.#judge.rows.openBlock(bytes)
  }

  record(walk: RecordWalk): Promise<void> | null {
    if (walk.offset !== this.#offset) return null
    return this.#judge.judge(walk) === 'unread' ? this.#plans.load(this.#judge.schemaId) : null
  }
}

async function tableTexts(change: Difference, sides: ExampleSides): Promise<Texts[]> {
  const { ledger, offset } = change
  const found: Texts[] = []
  const { keys } = sides
  for (const { location, touched } of sides.files) {
    if (touched.get(ledger)?.has(bucketOf(offset)) !== true) continue
    const file = await openTableFile(sides.store, location, sides.schema)
    for (const group of file.rowGroups.keys()) {
      await keys.load(sides.store, file, group)
      const wanted = new Map<number, Texts>()
      for (let row = 0; row < keys.rows; row++) {
        if (keys.offsets[row] === offset && keys.ledger(row) === ledger) wanted.set(row, new Map())
      }
      if (wanted.size === 0) continue
      await readRowGroup(sides.store, file, group, new RowTexts(sides.schema, wanted))
      found.push(...wanted.values())
    }
  }
  return found
}
