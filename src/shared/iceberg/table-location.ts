// Where the files of a table lie and what they are called. Pure, any thread.
// Every name holds a UUID, so two writers never make the same one, and a file of a lost attempt never gets a second meaning.
import type { TableMetadata } from './metadata.ts'

/** Folder of metadata files, manifests and manifest lists. */
export const metadataFolder = (metadata: TableMetadata): string =>
  withoutSlash(metadata.properties['write.metadata.path'] ?? `${metadata.location}/metadata`)

/** Folder of data files. */
export const dataFolder = (metadata: TableMetadata): string =>
  withoutSlash(metadata.properties['write.data.path'] ?? `${metadata.location}/data`)

/** The next metadata file: one above the number of the current file's name, 0 for a new table. */
export function metadataFileLocation(folder: string, previousLocation: string | null, uuid: string): string {
  const version = previousLocation === null ? 0 : metadataVersion(previousLocation) + 1
  return `${folder}/${String(version).padStart(5, '0')}-${uuid}.metadata.json`
}

/** Number of a metadata file by its name (`00012-….metadata.json`, `v12.metadata.json`), -1 where it has none. */
export function metadataVersion(location: string): number {
  const name = location.slice(location.lastIndexOf('/') + 1)
  const digits = /^v?(\d+)[-.]/.exec(name)?.[1]
  return digits === undefined ? -1 : Number(digits)
}

/** What `version-hint.text` says for a metadata file: its name without the ending, as DuckDB's iceberg_scan takes it. */
export const versionHint = (location: string): string =>
  location.slice(location.lastIndexOf('/') + 1).replace(/(\.gz)?\.metadata\.json(\.gz)?$/, '')

/** One spelling for a local file: Java writes `file:/a` where others write `file:///a`. For comparing only. */
export const comparable = (location: string): string => location.replace(/^file:\/+/, 'file:///')

const withoutSlash = (location: string): string => location.replace(/\/+$/, '')
