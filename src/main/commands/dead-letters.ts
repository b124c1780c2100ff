// k2 dead-letters list, show and summary: what could not become a row. Main thread; reads only.
// Invariant: an answer is of one snapshot a table, and of what its main table names beside it.
import type { Config } from '../../shared/config.ts'
import { IngestError } from '../../shared/errors.ts'
import { type DeadLetter, headDocument, letterDocument } from '../../shared/letters/dead-letter.ts'
import { everyLetter } from '../../shared/letters/letter-filter.ts'
import { together, withReplayed } from '../../shared/letters/letter-places.ts'
import { groupDocument, LetterSummary, type SummaryGroup } from '../../shared/letters/letter-summary.ts'
import { NewestLetters } from '../../shared/letters/newest-letters.ts'
import type { PinnedLetters } from '../../shared/letters/pinned-letters.ts'
import { readLetters } from '../../shared/letters/read-letters.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { filterOf, mapLetters } from '../letter-tables.ts'
import { renderLetter, renderLetterList, renderLetterSummary } from '../terminal/dead-letters.ts'
import { styleFor } from '../terminal/style.ts'

export async function deadLettersListCommand(config: Config<'dead-letters list'>, io: CommandIo): Promise<number> {
  const lists = await mapLetters(config, io, async (pinned, store) => {
    const newest = new NewestLetters(config.limit)
    for await (const { heads } of readLetters(store, pinned, filterOf(config))) {
      for (const head of heads) newest.add(head)
    }
    return { pinned, count: newest.count, letters: await withReplayed(store, pinned, newest.list()) }
  })
  if (config.json) {
    const tables = lists.map(({ pinned, count, letters }) => ({
      ...pinnedDocument(pinned),
      count,
      dead_letters: letters.map(({ head, isReplayed }) => ({ ...headDocument(head), replayed: isReplayed })),
    }))
    io.out.write(jsonLine({ tables }))
  } else {
    const style = styleFor(io.out)
    const texts = lists.map(({ pinned, count, letters }) => renderLetterList(pinned.table, letters, count, style))
    io.out.write(texts.join('\n'))
  }
  return 0
}

/** Errors: DEAD_LETTER_MISSING. */
export async function deadLettersShowCommand(config: Config<'dead-letters show'>, io: CommandIo): Promise<number> {
  const { topic, partition, offset } = config
  const filter = {
    ...everyLetter,
    topics: { kind: 'names', names: [topic] } as const,
    partitions: [partition],
    offset: BigInt(offset),
  }
  const found: { readonly pinned: PinnedLetters; readonly letter: DeadLetter; readonly isReplayed: boolean }[] = []
  await mapLetters(config, io, async (pinned, store) => {
    for await (const { heads, bodies } of readLetters(store, pinned, filter)) {
      const letters = await bodies(heads)
      for (const { head: letter, isReplayed } of await withReplayed(store, pinned, letters)) {
        found.push({ pinned, letter, isReplayed })
      }
    }
  })
  if (found.length === 0) throw new IngestError('DEAD_LETTER_MISSING', { topic, partition, offset })
  if (config.json) {
    const letters = found.map(({ pinned, letter, isReplayed }) => ({
      ...pinnedDocument(pinned),
      ...letterDocument(letter),
      replayed: isReplayed,
    }))
    io.out.write(jsonLine({ dead_letters: letters }))
  } else {
    const style = styleFor(io.out)
    io.out.write(
      found.map(({ pinned, letter, isReplayed }) => renderLetter(pinned.table, letter, isReplayed, style)).join('\n'),
    )
  }
  return 0
}

/** Exit 1 with --fail-if-any where there is one that no replay has made a row of. */
export async function deadLettersSummaryCommand(
  config: Config<'dead-letters summary'>,
  io: CommandIo,
): Promise<number> {
  const summaries = await mapLetters(config, io, async (pinned, store) => {
    const summary = new LetterSummary()
    for await (const heads of together(readLetters(store, pinned, filterOf(config)))) {
      for (const { head, isReplayed } of await withReplayed(store, pinned, heads)) summary.add(head, isReplayed)
    }
    return { pinned, groups: summary.list() }
  })
  if (config.json) {
    const tables = summaries.map(({ pinned, groups }) => ({
      ...pinnedDocument(pinned),
      count: countOf(groups),
      open: openOf(groups),
      groups: groups.map(groupDocument),
    }))
    io.out.write(jsonLine({ tables }))
  } else {
    const style = styleFor(io.out)
    io.out.write(summaries.map(({ pinned, groups }) => renderLetterSummary(pinned.table, groups, style)).join('\n'))
  }
  return config.failIfAny && summaries.some(({ groups }) => openOf(groups) > 0) ? 1 : 0
}

const countOf = (groups: readonly SummaryGroup[]): number => groups.reduce((sum, group) => sum + group.count, 0)

/** Those that are no rows. */
const openOf = (groups: readonly SummaryGroup[]): number =>
  groups.reduce((sum, group) => sum + group.count - group.replayed, 0)

const pinnedDocument = ({ table, snapshotId }: PinnedLetters) => ({ table, snapshot: snapshotId })
