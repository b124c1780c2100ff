// `k2-feeds.json` in a log directory: per topic, which feed wrote there last, at which offsets it began, and whether it
// ended. Main thread. Invariant: a feed is entered before its first batch and marked complete after its last one is on
// disk, so that a killed feed is known and goes on where its batches end. Log readers pass the file over.
import { createHash } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { IngestError } from '../../shared/errors.ts'

export const journalFileName = 'k2-feeds.json'

export interface FeedEntry {
  /** What decides the bytes of the feed, hashed: see {@link feedIdentity}. */
  readonly identity: string
  readonly state: 'open' | 'complete'
  /** Offset of the feed's first record, per partition; its length is the number of partitions. */
  readonly starts: readonly bigint[]
  /** Records of the whole feed. */
  readonly messages: number
}

export type FeedJournal = ReadonlyMap<string, FeedEntry>

/** Hash of everything that decides a feed's bytes. The order of the keys does not matter. */
export function feedIdentity(parameters: Readonly<Record<string, string | number>>): string {
  const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 32)
}

/** Empty where there is no journal. Errors: FEED_CONFLICT where it cannot be understood. */
export async function readJournal(directory: string): Promise<FeedJournal> {
  const file = join(directory, journalFileName)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return new Map()
    throw new IngestError('SOURCE_UNREADABLE', { file }, error)
  }
  const entries = parseJournal(text)
  if (entries === null) throw new IngestError('FEED_CONFLICT', { file, reason: 'journal cannot be understood' })
  return entries
}

/** Replaces the journal at once: a reader sees the old or the new one, also after a power cut. */
export async function writeJournal(directory: string, journal: FeedJournal): Promise<void> {
  const file = join(directory, journalFileName)
  const topics = Object.fromEntries(
    [...journal].map(([topic, entry]) => [topic, { ...entry, starts: entry.starts.map(String) }]),
  )
  try {
    const handle = await open(`${file}.tmp`, 'w')
    try {
      await handle.writeFile(`${JSON.stringify({ v: 1, topics }, null, 2)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${file}.tmp`, file)
    const folder = await open(directory, 'r')
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    throw new IngestError('STORE_NOT_WRITABLE', { file }, error)
  }
}

function parseJournal(text: string): FeedJournal | null {
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch {
    return null
  }
  if (!isObject(root) || root['v'] !== 1 || !isObject(root['topics'])) return null
  const journal = new Map<string, FeedEntry>()
  for (const [topic, value] of Object.entries(root['topics'])) {
    const entry = parseEntry(value)
    if (entry === null) return null
    journal.set(topic, entry)
  }
  return journal
}

function parseEntry(value: unknown): FeedEntry | null {
  if (!isObject(value)) return null
  const { identity, state, starts, messages } = value
  if (typeof identity !== 'string' || (state !== 'open' && state !== 'complete')) return null
  if (typeof messages !== 'number' || !Number.isSafeInteger(messages) || messages < 0) return null
  if (!Array.isArray(starts) || !starts.every((start) => typeof start === 'string' && /^\d+$/.test(start))) return null
  return { identity, state, messages, starts: starts.map((start) => BigInt(start)) }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
