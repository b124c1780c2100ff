// The lease of a query: a tag on the snapshot that it reads, so that neither K2's nor anybody's expiry takes files from under it. Any
// thread that may use the catalog. A crash leaves a tag that ages out: the age of a ref counts from its snapshot's time (spec,
// "Snapshot Retention Policy"), so the age allowed is that of the snapshot now and the time the query may take.
import { type Catalog, formatTableName, type LoadedTable, type TableName } from '../iceberg/catalog.ts'
import { LEASE_PREFIX } from '../iceberg/scan-snapshot.ts'

export interface LeaseRequest {
  readonly catalog: Catalog
  readonly table: TableName
  readonly loaded: LoadedTable
  readonly snapshotId: bigint
  /** Unique among queries. */
  readonly id: string
  /** How long the query may take. */
  readonly forMs: number
  /** Wall-clock ms. */
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<unknown>
}

export type Lease =
  | { readonly kind: 'held'; readonly tag: string }
  /** The snapshot was gone before the tag could be set: plan again. */
  | { readonly kind: 'gone' }
  /** Why there is none, in words: the query goes on without. */
  | { readonly kind: 'none'; readonly reason: string }

const attemptsMax = 8
const pauseMs = 25
/** A clock of another machine may be so far ahead. */
const marginMs = 60_000

/** Sets the tag. Never throws for what catalog or store do: a query can go without. */
export async function takeLease(request: LeaseRequest): Promise<Lease> {
  const { table, snapshotId, forMs, now } = request
  const tag = `${LEASE_PREFIX}${request.id}`
  let { metadata } = request.loaded
  for (let attempt = 1; ; attempt++) {
    const snapshot = metadata.snapshots.find((candidate) => candidate['snapshot-id'] === snapshotId)
    if (snapshot === undefined) return { kind: 'gone' }
    const ageMs = Math.max(0, now() - snapshot['timestamp-ms']) + forMs + marginMs
    const outcome = await attemptOf(() =>
      request.catalog.updateTable(
        table,
        [{ type: 'assert-table-uuid', uuid: metadata['table-uuid'] }],
        [
          {
            action: 'set-snapshot-ref',
            'ref-name': tag,
            type: 'tag',
            'snapshot-id': snapshotId,
            'max-ref-age-ms': BigInt(ageMs),
          },
        ],
      ),
    )
    if (outcome.kind === 'done') return { kind: 'held', tag }
    if (outcome.kind === 'rejected' || attempt === attemptsMax) return { kind: 'none', reason: outcome.reason }
    await request.sleep(pauseMs * attempt)
    const again = await attemptOf(() => request.catalog.loadTable(table))
    if (again === null || 'kind' in again)
      return { kind: 'none', reason: again?.reason ?? `no table ${formatTableName(table)}` }
    // An unknown outcome that landed.
    if (again.metadata.refs[tag] !== undefined) return { kind: 'held', tag }
    metadata = again.metadata
  }
}

/** Removes the tag. Returns why it stays (it ages out then), or null. */
export async function endLease({ catalog, table, sleep }: LeaseRequest, tag: string): Promise<string | null> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptOf(() =>
      catalog.updateTable(table, [], [{ action: 'remove-snapshot-ref', 'ref-name': tag }]),
    )
    if (outcome.kind === 'done') return null
    if (outcome.kind === 'rejected' || attempt === attemptsMax) return outcome.reason
    await sleep(pauseMs * attempt)
    const loaded = await attemptOf(() => catalog.loadTable(table))
    const isGone = loaded === null || (!('kind' in loaded) && loaded.metadata.refs[tag] === undefined)
    if (isGone) return null
  }
}

/** What is thrown becomes a reason: a catalog that is locked, read-only, or away. */
async function attemptOf<T>(
  work: () => Promise<T>,
): Promise<T | { readonly kind: 'rejected'; readonly reason: string }> {
  try {
    return await work()
  } catch (error) {
    return { kind: 'rejected', reason: error instanceof Error ? error.message : String(error) }
  }
}
