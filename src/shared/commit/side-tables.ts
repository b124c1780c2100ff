// Guard 6, the chain from main to its side tables: main names side files under `unconfirmed`, then they are appended to their table
// together with the ids of the commits they belong to (`k2.applied`); main forgets them with its next commit. Pure algebra.
// Invariant: a commit id leaves `k2.applied` only after main has forgotten it, so no one who still sees it unconfirmed can add it
// twice. That holds only for who read the side table *before* main, and appends on the side head so read (side-state.ts).
import { IngestError } from '../errors.ts'
import { canonicalJson } from './canonical-json.ts'
import type { Unconfirmed } from './positions.ts'

/** Property of a side table: ids of the main commits whose files it holds and that main may still name. */
export const APPLIED_PROPERTY = 'k2.applied'
/** Summary key of a main snapshot: its side files by table. */
export const SIDE_FILES_KEY = 'k2.side-files'
/** Summary key of a side snapshot: ids of the commits it appends. */
export const SIDE_COMMITS_KEY = 'k2.side-of'
export type Applied = ReadonlySet<string>

/** Canonical JSON list of commit ids. */
export const writeApplied = (applied: Applied): string => canonicalJson([...applied].sort())

/** Reads `k2.applied`. Errors: POSITIONS_INVALID; a table without the property is not ours (null). */
export function parseApplied(text: string | undefined): Applied | null {
  if (text === undefined) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new IngestError('POSITIONS_INVALID', { path: APPLIED_PROPERTY }, error)
  }
  if (!Array.isArray(value) || !value.every((id) => typeof id === 'string')) {
    throw new IngestError('POSITIONS_INVALID', { path: APPLIED_PROPERTY, why: 'not a list of commit ids' })
  }
  return new Set(value)
}

/** Entries of one side table that it does not hold yet, in main's order. */
export const pendingOf = (
  unconfirmed: readonly Unconfirmed[],
  table: string,
  applied: Applied,
): readonly Unconfirmed[] => unconfirmed.filter((entry) => entry.table === table && !applied.has(entry.commit))

/** `k2.applied` after an append: what main still names for this table, and what is appended now. */
export function nextApplied(
  applied: Applied,
  unconfirmed: readonly Unconfirmed[],
  table: string,
  appended: readonly Unconfirmed[],
): Applied {
  const named = unconfirmed.filter((entry) => entry.table === table && applied.has(entry.commit))
  return new Set([...named, ...appended].map((entry) => entry.commit))
}

/** Per side table, the commits it is known to hold. */
export type Confirmed = ReadonlyMap<string, Applied>

/** `unconfirmed` without the entries known to be in their table. */
export const dropConfirmed = (unconfirmed: readonly Unconfirmed[], confirmed: Confirmed): readonly Unconfirmed[] =>
  unconfirmed.filter((entry) => confirmed.get(entry.table)?.has(entry.commit) !== true)

/** `k2.side-files`: `{"<table>":["<file>", …]}`. */
export const sideFilesSummary = (own: Unconfirmed): string =>
  canonicalJson(Object.fromEntries([[own.table, own.files]]))
