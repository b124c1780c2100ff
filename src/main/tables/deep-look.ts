// Looks up every file that a table refers to, in all of its snapshots: manifest lists, manifests, data and delete files. Main thread;
// reads only. Invariant: memory is bounded; a file that two manifests name may be looked up twice, and is told once if it is amiss.

import { IngestError } from '../../shared/errors.ts'
import type { ManifestFile } from '../../shared/iceberg/manifest-list.ts'
import { decodeManifestList } from '../../shared/iceberg/manifest-list.ts'
import { walkManifests } from '../../shared/iceberg/manifest-walk.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import type { LookPorts } from './table-look.ts'

export interface AmissFile {
  readonly location: string
  readonly reason: string
}

export interface DeepFindings {
  /** Files looked up. */
  readonly looked: number
  readonly amiss: number
  /** The first of them. */
  readonly examples: readonly AmissFile[]
}

const EXAMPLES_MAX = 20
/** Locations remembered as looked up; beyond it some are looked up again. */
const SEEN_MAX = 200_000
/** Look-ups at a time. */
const LOOKS_AT_ONCE = 16

/** Errors: STORE_IO, and TABLE_METADATA for what is there and cannot be read. */
export async function lookDeep(table: string, metadata: TableMetadata, ports: LookPorts): Promise<DeepFindings> {
  const tally = new Tally(ports)
  const manifests = new Map<string, ManifestFile>()
  for (const snapshot of metadata.snapshots) {
    const location = snapshot['manifest-list']
    const list = await tally.read(location)
    for (const manifest of list === null ? [] : decodeManifestList(list, location))
      manifests.set(manifest.location, manifest)
    ports.onProgress(`${table}: ${manifests.size} manifests of ${metadata.snapshots.length} snapshots`)
  }
  let done = 0
  for (const manifest of manifests.values()) {
    ports.onProgress(`${table}: manifest ${++done} of ${manifests.size}, ${tally.looked} files looked up`)
    if (!(await tally.isThere(manifest.location, null))) continue
    for await (const { entries } of walkManifests(ports.store, [manifest])) {
      for (let first = 0; first < entries.length; first += LOOKS_AT_ONCE) {
        const group = entries.slice(first, first + LOOKS_AT_ONCE)
        await Promise.all(group.map(({ file }) => tally.isThere(file.file_path, file.file_size_in_bytes)))
      }
    }
  }
  return tally.findings()
}

class Tally {
  looked = 0
  #amiss = 0
  readonly #examples: AmissFile[] = []
  readonly #seen = new Set<string>()
  readonly #ports: LookPorts

  constructor(ports: LookPorts) {
    this.#ports = ports
  }

  /** Bytes of a file, or null where it is missing. */
  async read(location: string): Promise<Uint8Array | null> {
    this.#count(location)
    try {
      return await this.#ports.store.read(location)
    } catch (error) {
      if (!(error instanceof IngestError) || error.code !== 'STORE_MISSING') throw error
      this.#note(location, 'missing')
      return null
    }
  }

  /** Whether a file is there, and as large as it should be where that is known. */
  async isThere(location: string, bytes: bigint | null): Promise<boolean> {
    if (!this.#count(location)) return true
    const found = await this.#sizeOf(location)
    if (found === null) this.#note(location, 'missing')
    else if (bytes !== null && BigInt(found) !== bytes) this.#note(location, `${found} bytes, ${bytes} expected`)
    return found !== null
  }

  findings(): DeepFindings {
    return { looked: this.looked, amiss: this.#amiss, examples: this.#examples }
  }

  /** A file outside of the warehouse is not for this store to find. */
  async #sizeOf(location: string): Promise<number | null> {
    try {
      return await this.#ports.store.size(location)
    } catch (error) {
      if (error instanceof IngestError && error.code === 'STORE_MISSING') return null
      throw error
    }
  }

  /** False where it was looked up before. */
  #count(location: string): boolean {
    if (this.#seen.has(location)) return false
    if (this.#seen.size < SEEN_MAX) this.#seen.add(location)
    this.looked += 1
    return true
  }

  #note(location: string, reason: string): void {
    this.#amiss += 1
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push({ location, reason })
  }
}
