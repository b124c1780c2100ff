// Opens the dead letters of the tables that a command asks for, and makes a filter of its options. Main thread; reads only.
import { POSITIONS_PROPERTY } from '../shared/commit/positions.ts'
import type { LetterFilter } from '../shared/letters/letter-filter.ts'
import { type PinnedLetters, pinLetters } from '../shared/letters/pinned-letters.ts'
import type { Topics } from '../shared/option-values.ts'
import type { Store } from '../shared/store/store.ts'
import type { CommandIo } from './command.ts'
import { mapTables, type TablesConfig } from './open-tables.ts'

/** How dead letters are chosen on the command line. */
interface FilterConfig {
  readonly topic: Topics | null
  readonly partition: readonly number[] | null
  readonly code: readonly string[] | null
  readonly schemaId: number | null
  /** µs since 1970 as decimal strings. */
  readonly fromUs: string | null
  readonly toUs: string | null
}

export const filterOf = ({ topic, partition, code, schemaId, fromUs, toUs }: FilterConfig): LetterFilter => ({
  topics: topic,
  partitions: partition,
  codes: code,
  schemaId,
  offset: null,
  fromUs: fromUs === null ? null : BigInt(fromUs),
  toUs: toUs === null ? null : BigInt(toUs),
})

/**
 * The dead letters of one table, or of every table that carries positions of K2, one after the other. What keeps an answer from being
 * whole is said on stderr. Errors: those of `mapTables` and `pinLetters`.
 */
export async function mapLetters<T>(
  config: TablesConfig,
  io: CommandIo,
  use: (pinned: PinnedLetters, store: Store) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = []
  await mapTables(config, async ({ name, metadata }, store, catalog) => {
    if (config.table === null && metadata.properties[POSITIONS_PROPERTY] === undefined) return
    const pinned = await pinLetters({ catalog, store }, name)
    for (const remark of pinned.remarks) io.err.write(`${remark}\n`)
    results.push(await use(pinned, store))
  })
  return results
}
