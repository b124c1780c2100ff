// Lists of expired snapshots whose files wait to be deleted. Pure: text ↔ values. A list is a file beside the metadata; the same
// request that removes the snapshots names it in a table property of its own, `k2.expired.<id>`. So a crash at any point leaves the
// list findable by whoever opens the table next, without listing folders, and two processes never overwrite each other's.
// Invariant: a list says what to look at, never what to delete: that is decided against the table as it is then.
import { IngestError } from '../errors.ts'
import { inside, type Place, readArray, readMember, readObject, readString } from './json-shape.ts'

/** What is left of a snapshot once it expired. */
export interface ExpiredEntry {
  readonly snapshotId: bigint
  readonly manifestList: string
}

export interface ExpiredList {
  readonly tableUuid: string
  readonly snapshots: readonly ExpiredEntry[]
  /** Further files that went with them: statistics, descriptions of side files. */
  readonly files: readonly string[]
}

/** Where a list is, and when its snapshots expired. */
export interface PendingList {
  /** Property that names it. */
  readonly key: string
  readonly location: string
  readonly atMs: number
  /**
   * A snapshot of it shows data files that may be shown by no other. As long as such a list waits, manifests of every list are read
   * before they are deleted: the last one to name a manifest need not be the one that frees its files.
   */
  readonly mayFreeFiles: boolean
}

const PREFIX = 'k2.expired.'

/** Key and value of the property that names a list. */
export const pendingProperty = (
  id: string,
  { location, atMs, mayFreeFiles }: Omit<PendingList, 'key'>,
): readonly [string, string] => [
  `${PREFIX}${id}`,
  `${new Date(atMs).toISOString()} ${mayFreeFiles ? 'rewrites' : 'appends'} ${location}`,
]

/** Lists that a table names, oldest first; a value that cannot be read is left out. */
export function pendingLists(properties: Readonly<Record<string, string>>): readonly PendingList[] {
  const lists: PendingList[] = []
  for (const [key, value] of Object.entries(properties)) {
    if (!key.startsWith(PREFIX)) continue
    const [, at = '', kind = '', location = ''] = /^(\S+) (appends|rewrites) (.+)$/.exec(value) ?? []
    const atMs = Date.parse(at)
    if (!Number.isNaN(atMs)) lists.push({ key, location, atMs, mayFreeFiles: kind === 'rewrites' })
  }
  return lists.sort((a, b) => a.atMs - b.atMs)
}

export function writeExpiredList(list: ExpiredList): Uint8Array {
  const document = {
    v: 1,
    table_uuid: list.tableUuid,
    snapshots: list.snapshots.map(({ snapshotId, manifestList }) => ({
      snapshot_id: String(snapshotId),
      manifest_list: manifestList,
    })),
    files: list.files,
  }
  return new TextEncoder().encode(JSON.stringify(document))
}

/** Errors: TABLE_METADATA naming the file. */
export function parseExpiredList(bytes: Uint8Array, file: string): ExpiredList {
  const root: Place = { file, path: '' }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new IngestError('TABLE_METADATA', { file, reason: 'list of expired snapshots cannot be read' }, error)
  }
  const object = readObject(value, root)
  return {
    tableUuid: readMember(object, 'table_uuid', root, readString),
    snapshots: readMember(object, 'snapshots', root, (items, at) => readArray(items, at, readEntry)),
    files: readMember(object, 'files', root, (items, at) => readArray(items, at, readString)),
  }
}

function readEntry(value: unknown, place: Place): ExpiredEntry {
  const object = readObject(value, place)
  const id = readMember(object, 'snapshot_id', place, readString)
  if (!/^\d{1,19}$/.test(id)) {
    const field = inside(place, 'snapshot_id').path
    throw new IngestError('TABLE_METADATA', { file: place.file, field, reason: 'not a snapshot id' })
  }
  return {
    snapshotId: BigInt(id),
    manifestList: readMember(object, 'manifest_list', place, readString),
  }
}
