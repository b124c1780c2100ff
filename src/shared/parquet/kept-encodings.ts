// The encoding of each column of a table, chosen anew now and then: what a feed sends changes slowly, and sampling every column of
// every file took about 6 % of the encoding. Encode worker. Invariant: a choice is lossless whatever the values, so an old one costs
// bytes or time only; a file of another size than the one it was made for has its own.
import type { IcebergField } from '../iceberg/schema.ts'
import { type ColumnEncoding, chooseEncoding, type EncodingSet } from './column-encoding.ts'
import type { DenseColumn } from './dense-column.ts'

/** Files for which a choice is used. */
const usesMax = 16
/** Smaller columns are sampled in no time, and say little of the next. */
const valuesMin = 4096
/** Up to so many times more or fewer values: a dictionary pays by its share of them. */
const sizeRatioMax = 2

interface Kept {
  readonly encoding: ColumnEncoding
  readonly length: number
  uses: number
}

const plain: ColumnEncoding = { dictionary: false, values: 'plain' }

export class KeptEncodings {
  readonly #allowed: EncodingSet
  /** By the field object of the column, which lives as long as the columns of its table. */
  readonly #kept = new WeakMap<IcebergField, Kept>()

  constructor(allowed: EncodingSet) {
    this.#allowed = allowed
  }

  of(field: IcebergField, column: DenseColumn): ColumnEncoding {
    const kept = this.#kept.get(field)
    const { length } = column
    if (
      kept !== undefined &&
      kept.uses < usesMax &&
      length <= kept.length * sizeRatioMax &&
      length * sizeRatioMax >= kept.length
    ) {
      kept.uses++
      return kept.encoding
    }
    const encoding = chooseEncoding(column, this.#allowed) ?? plain
    if (length >= valuesMin) this.#kept.set(field, { encoding, length, uses: 1 })
    return encoding
  }
}
