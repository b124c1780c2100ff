// Reads pinned dead letters row group by row group: first what they are chosen by, then, of the chosen ones, the rest. One thread.
// Invariant: memory is one row group; files that the filter's bounds exclude are not opened.
import type { Store } from '../store/store.ts'
import { openTableFile, readRowGroup, type TableFile } from '../verify/table-file.ts'
import type { DeadLetter, LetterHead } from './dead-letter.ts'
import { BodyColumns, HeadColumns } from './letter-columns.ts'
import { fileMatcher, type LetterFilter, letterMatcher } from './letter-filter.ts'
import type { LetterFile, PinnedLetters } from './pinned-letters.ts'

/** Of one row group: the letters that were chosen. */
export interface LetterGroup {
  readonly heads: readonly LetterHead[]
  /** Reads the rest of some of them, in the order asked for. Errors: TABLE_FILE_CORRUPT, STORE_*. */
  readonly bodies: (heads: readonly LetterHead[]) => Promise<DeadLetter[]>
}

/** Errors: STORE_MISSING, STORE_IO, TABLE_FILE_CORRUPT, VERIFY_UNSUPPORTED. */
export async function* readLetters(
  store: Store,
  pinned: PinnedLetters,
  filter: LetterFilter,
): AsyncGenerator<LetterGroup, void> {
  for (const file of filesOf(pinned, filter)) yield* readLetterFile(store, pinned, file, filter)
}

/** Files that may hold a letter that the filter means. */
export function filesOf({ files, schema }: PinnedLetters, filter: LetterFilter): readonly LetterFile[] {
  const mayHold = fileMatcher(filter, schema)
  return files.filter(({ described }) => described === null || mayHold(described))
}

/** Row groups of one file in which a letter was chosen. Errors: as `readLetters`. */
export async function* readLetterFile(
  store: Store,
  { schema }: PinnedLetters,
  { location }: LetterFile,
  filter: LetterFilter,
): AsyncGenerator<LetterGroup, void> {
  const isMeant = letterMatcher(filter)
  const columns = new HeadColumns(schema)
  const file = await openTableFile(store, location, schema)
  for (const [group, rows] of file.rowGroups.entries()) {
    columns.reset(rows)
    await readRowGroup(store, file, group, columns, columns.ids)
    const chosen = new Map<LetterHead, number>()
    for (let row = 0; row < rows; row++) {
      const head = columns.head(row)
      if (isMeant(head)) chosen.set(head, row)
    }
    if (chosen.size > 0)
      yield { heads: [...chosen.keys()], bodies: bodiesOf(store, file, group, chosen, new BodyColumns(schema)) }
  }
}

const bodiesOf =
  (store: Store, file: TableFile, group: number, rows: ReadonlyMap<LetterHead, number>, columns: BodyColumns) =>
  async (heads: readonly LetterHead[]): Promise<DeadLetter[]> => {
    const rowOf = (head: LetterHead): number => {
      const row = rows.get(head)
      if (row === undefined) throw new Error('a head of another row group')
      return row
    }
    columns.want(heads.map(rowOf))
    await readRowGroup(store, file, group, columns, columns.ids)
    return heads.map((head) => columns.letter(head, rowOf(head)))
  }
