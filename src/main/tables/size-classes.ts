// Data files by size, in classes that grow by a factor of four, and what a table calls a file of the right size. Pure.
// Sizes are those of the files as stored (compressed), in bytes.
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** Where a class ends and the next begins. */
const EDGES: readonly number[] = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB, 1024 * MIB]

/** Iceberg's own default of `write.target-file-size-bytes`. */
const TARGET_BYTES_DEFAULT = 512 * MIB
/** A file is small below this part of the target: every query opens it, and it carries little. */
const SMALL_PART = 8

export interface SizeClass {
  /** `[from, to)`; the last one has no end. */
  readonly from: number
  readonly to: number | null
  readonly files: number
  readonly rows: bigint
  readonly bytes: bigint
}

/** What engines that rewrite files aim at for this table. */
export function targetFileBytes({ properties }: Pick<TableMetadata, 'properties'>): number {
  const bytes = Number(properties['write.target-file-size-bytes'] ?? TARGET_BYTES_DEFAULT)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : TARGET_BYTES_DEFAULT
}

export const isSmall = (bytes: number, targetBytes: number): boolean => bytes * SMALL_PART < targetBytes

/** All classes, empty ones too, ascending. */
export class SizeClasses {
  readonly #classes = [0, ...EDGES].map((from, index) => ({
    from,
    to: EDGES[index] ?? null,
    files: 0,
    rows: 0n,
    bytes: 0n,
  }))

  add(bytes: bigint, rows: bigint): void {
    const found = this.#classes.find(({ to }) => to === null || bytes < to)
    if (found === undefined) return
    found.files += 1
    found.rows += rows
    found.bytes += bytes
  }

  all(): readonly SizeClass[] {
    return this.#classes.map((each) => ({ ...each }))
  }
}
