// A table that lives through anything writers and operators do to it, in memory, with real manifests: appends, merges, compactions,
// branches, tags, rollbacks, time. What each snapshot shows can be read back by an oracle that knows nothing of expiry.
import { randomUUID } from 'node:crypto'
import { stageAppend, writeManifest } from '../../src/shared/iceberg/append.ts'
import type { DataFile } from '../../src/shared/iceberg/data-file.ts'
import { decodeManifest, encodeManifest, fileRecord, type ManifestEntry } from '../../src/shared/iceberg/manifest.ts'
import { decodeManifestList, encodeManifestList, type ManifestFile } from '../../src/shared/iceberg/manifest-list.ts'
import { describeManifest } from '../../src/shared/iceberg/manifest-merge.ts'
import type { Snapshot, TableMetadata, TableUpdate } from '../../src/shared/iceberg/metadata.ts'
import { newTableMetadata } from '../../src/shared/iceberg/new-table.ts'
import { applyUpdates } from '../../src/shared/iceberg/table-updates.ts'
import { createMemoryStore, type MemoryStore } from './memory-store.ts'

const schema = {
  type: 'struct',
  'schema-id': 0,
  fields: [{ id: 1, name: 'n', required: false, type: 'long' }],
} as const
const spec = { 'spec-id': 0, fields: [] } as const

export class TableHistory {
  readonly store: MemoryStore = createMemoryStore('file:///memory')
  metadata: TableMetadata
  nowMs = Date.parse('2026-11-24T10:00:00Z')
  #count = 0

  constructor(properties: Readonly<Record<string, string>> = {}) {
    const table = { schema, spec, location: 'file:///memory/t', properties }
    this.metadata = newTableMetadata(table, { uuid: 'uuid-1', now: this.nowMs })
  }

  apply(updates: readonly TableUpdate[]): void {
    this.metadata = applyUpdates(this.metadata, updates, { now: this.nowMs, previousLocation: null })
  }

  head(branch = 'main'): Snapshot | null {
    const id = this.metadata.refs[branch]?.['snapshot-id']
    return this.metadata.snapshots.find((each) => each['snapshot-id'] === id) ?? null
  }

  /** A new file on a branch; small manifests are merged as the table's properties say. */
  async append(branch = 'main', summary: Readonly<Record<string, string>> = {}): Promise<bigint> {
    const id = BigInt(++this.#count)
    const prepared = await writeManifest(this.store, this.metadata, [await this.#file()], id)
    const context = { store: this.store, snapshotId: id, now: this.nowMs, attempt: 1, summary, branch }
    const { snapshot } = await stageAppend(this.metadata, [prepared], context)
    this.#publish(branch, snapshot)
    return id
  }

  /** Rewrites some live files of a branch into one, as other engines do: what went is marked as deleted for one snapshot. */
  async compact(branch: string, isTaken: (index: number) => boolean): Promise<void> {
    const head = this.head(branch)
    if (head === null) return
    const id = BigInt(++this.#count)
    const written: ManifestFile[] = []
    let index = 0
    for (const manifest of await this.#manifestsOf(head)) {
      const live = (await this.#entriesOf(manifest)).filter(({ status }) => status !== 'deleted')
      const entries = live.map((entry): ManifestEntry => {
        return isTaken(index++) ? { ...entry, status: 'deleted', snapshotId: id } : { ...entry, status: 'existing' }
      })
      if (entries.every(({ status }) => status === 'existing')) {
        if (entries.length > 0) written.push(manifest)
      } else written.push(await this.#manifest(entries, id))
    }
    const added = { status: 'added', snapshotId: id, sequenceNumber: null, fileSequenceNumber: null } as const
    written.push(await this.#manifest([{ ...added, file: fileRecord(await this.#file()) }], id))
    const sequenceNumber = this.metadata['last-sequence-number'] + 1n
    const location = `file:///memory/t/metadata/snap-${id}.avro`
    const header = { snapshotId: id, parentSnapshotId: head['snapshot-id'], sequenceNumber }
    await this.store.putIfAbsent(location, encodeManifestList(header, written))
    this.#publish(branch, {
      'snapshot-id': id,
      'parent-snapshot-id': head['snapshot-id'],
      'sequence-number': sequenceNumber,
      'timestamp-ms': this.nowMs,
      'manifest-list': location,
      summary: { operation: 'replace' },
      'schema-id': 0,
    })
  }

  /** Every file that a snapshot of the table shows or is made of. Fails where one is missing: that is what must never happen. */
  async reached(): Promise<ReadonlySet<string>> {
    const reached = new Set<string>()
    for (const snapshot of this.metadata.snapshots) {
      reached.add(snapshot['manifest-list'])
      for (const manifest of await this.#manifestsOf(snapshot)) {
        reached.add(manifest.location)
        for (const { status, file } of await this.#entriesOf(manifest)) {
          if (status === 'deleted') continue
          if (!this.store.files.has(file.file_path)) {
            throw new Error(`snapshot ${snapshot['snapshot-id']} shows ${file.file_path}, which is gone`)
          }
          reached.add(file.file_path)
        }
      }
    }
    return reached
  }

  #publish(branch: string, snapshot: Snapshot): void {
    this.apply([
      { action: 'add-snapshot', snapshot },
      {
        action: 'set-snapshot-ref',
        'ref-name': branch,
        ...this.metadata.refs[branch],
        'snapshot-id': snapshot['snapshot-id'],
        type: 'branch',
      },
    ])
  }

  async #manifestsOf(snapshot: Snapshot): Promise<readonly ManifestFile[]> {
    const location = snapshot['manifest-list']
    return decodeManifestList(await this.store.read(location), location)
  }

  async #entriesOf(manifest: ManifestFile): Promise<readonly ManifestEntry[]> {
    return decodeManifest(await this.store.read(manifest.location), manifest)
  }

  async #manifest(entries: readonly ManifestEntry[], snapshotId: bigint): Promise<ManifestFile> {
    const location = `file:///memory/t/metadata/${randomUUID()}-m0.avro`
    const bytes = encodeManifest({ schema, spec }, entries)
    await this.store.putIfAbsent(location, bytes)
    return describeManifest({ location, length: bytes.length, entries, schema, spec, snapshotId })
  }

  async #file(): Promise<DataFile> {
    const location = `file:///memory/t/data/${randomUUID()}.parquet`
    await this.store.putIfAbsent(location, new Uint8Array(1))
    const metrics = {
      columnSizes: [],
      valueCounts: [],
      nullValueCounts: [],
      nanValueCounts: [],
      lowerBounds: [],
      upperBounds: [],
    }
    const counts = { recordCount: 1, sizeBytes: 1 }
    return { location, ...counts, partition: [], specId: 0, schemaId: 0, metrics, splitOffsets: [] }
  }
}
