// Table metadata files (Iceberg spec, "Table Metadata and Snapshots", format v2): bytes ↔ TableMetadata. Pure, any thread.
// Invariant: what K2 does not interpret comes out as it went in. Format 1 and 3 are refused by name: v1 has no sequence
// numbers, and v3 needs row ids that a writer must assign.
import { gunzipSync } from 'node:zlib'
import { IngestError } from '../errors.ts'
import { parseJson, writeJson } from './json.ts'
import {
  inside,
  isObject,
  type JsonObject,
  misshapen,
  type Place,
  readArray,
  readInteger,
  readLong,
  readMember,
  readObject,
  readOptional,
  readString,
  readStringMap,
} from './json-shape.ts'
import type { Snapshot, SnapshotRef, TableMetadata } from './metadata.ts'
import { readSchema, readSpec } from './schema-json.ts'

/** A gzipped file beyond this once unpacked is refused. */
const unpackedBytesMax = 512 * 1024 * 1024

/** Members that TableMetadata names, and two of format v1 that would go stale if they were carried along. */
const interpreted: ReadonlySet<string> = new Set([
  'format-version',
  'table-uuid',
  'location',
  'last-sequence-number',
  'last-updated-ms',
  'last-column-id',
  'schemas',
  'current-schema-id',
  'partition-specs',
  'default-spec-id',
  'last-partition-id',
  'properties',
  'current-snapshot-id',
  'snapshots',
  'refs',
  'snapshot-log',
  'metadata-log',
  'schema',
  'partition-spec',
])

/** Reads a metadata file, plain or gzipped (told by its first bytes). Errors: TABLE_FORMAT, TABLE_METADATA naming file and field. */
export function parseTableMetadata(bytes: Uint8Array, file: string): TableMetadata {
  const root: Place = { file, path: '' }
  let value: unknown
  try {
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
    const plain = isGzip ? gunzipSync(bytes, { maxOutputLength: unpackedBytesMax }) : bytes
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(plain))
  } catch (error) {
    throw misshapen(root, 'not JSON', error)
  }
  return readTableMetadata(value, root)
}

/** Reads table metadata out of parsed JSON (a file, or the answer of a REST catalog). Errors: TABLE_FORMAT, TABLE_METADATA. */
export function readTableMetadata(value: unknown, root: Place): TableMetadata {
  const object = readObject(value, root)
  checkFormat(readMember(object, 'format-version', root, readInteger), root)
  const current = readOptional(object, 'current-snapshot-id', root, readLong) ?? null
  const metadata: TableMetadata = {
    'format-version': 2,
    'table-uuid': readMember(object, 'table-uuid', root, readString),
    location: readMember(object, 'location', root, readString).replace(/\/+$/, ''),
    'last-sequence-number': readMember(object, 'last-sequence-number', root, readLong),
    'last-updated-ms': readMember(object, 'last-updated-ms', root, readInteger),
    'last-column-id': readMember(object, 'last-column-id', root, readInteger),
    schemas: readMember(object, 'schemas', root, (list, at) => readArray(list, at, readSchema)),
    'current-schema-id': readMember(object, 'current-schema-id', root, readInteger),
    'partition-specs': readMember(object, 'partition-specs', root, (list, at) => readArray(list, at, readSpec)),
    'default-spec-id': readMember(object, 'default-spec-id', root, readInteger),
    'last-partition-id': readMember(object, 'last-partition-id', root, readInteger),
    properties: readOptional(object, 'properties', root, readStringMap) ?? {},
    // Java writes -1 for a table without a snapshot.
    'current-snapshot-id': current === -1n ? null : current,
    snapshots: readOptional(object, 'snapshots', root, (list, at) => readArray(list, at, readSnapshot)) ?? [],
    refs: readOptional(object, 'refs', root, readRefs) ?? {},
    'snapshot-log': readOptional(object, 'snapshot-log', root, (list, at) => readArray(list, at, readLogEntry)) ?? [],
    'metadata-log': readOptional(object, 'metadata-log', root, (list, at) => readArray(list, at, readFileEntry)) ?? [],
    rest: Object.fromEntries(Object.entries(object).filter(([name]) => !interpreted.has(name))),
  }
  return checkReferences(metadata, root)
}

/** The file's bytes, uncompressed JSON. */
export function writeTableMetadata(metadata: TableMetadata): Uint8Array {
  const { rest, snapshots, 'current-snapshot-id': current, ...plain } = metadata
  const file = {
    ...plain,
    // Absent, as the spec has it, rather than Java's -1.
    ...(current === null ? {} : { 'current-snapshot-id': current }),
    ...rest,
  }
  // The closing brace makes room for the snapshots, nearly all of the file: they never change, so their text is made once.
  const others = writeJson(file).slice(0, -1)
  return new TextEncoder().encode(`${others},"snapshots":[${snapshots.map(snapshotText).join(',')}]}`)
}

const snapshotTexts = new WeakMap<Snapshot, string>()

function snapshotText(snapshot: Snapshot): string {
  const known = snapshotTexts.get(snapshot)
  if (known !== undefined) return known
  const text = writeJson(snapshotToJson(snapshot))
  snapshotTexts.set(snapshot, text)
  return text
}

/** A snapshot on the wire: absent members instead of nulls. */
export function snapshotToJson(snapshot: Snapshot): JsonObject {
  const { rest, 'parent-snapshot-id': parent, 'schema-id': schemaId, ...plain } = snapshot
  return {
    ...plain,
    ...(parent === null ? {} : { 'parent-snapshot-id': parent }),
    ...(schemaId === null ? {} : { 'schema-id': schemaId }),
    ...rest,
  }
}

function checkFormat(version: number, root: Place): void {
  if (version !== 2) throw new IngestError('TABLE_FORMAT', { file: root.file, version })
}

/** Ids that name something must find it, else a commit would build on a table that no engine can read. */
function checkReferences(metadata: TableMetadata, root: Place): TableMetadata {
  const current = metadata['current-snapshot-id']
  const main = metadata.refs['main']
  if (!metadata.schemas.some((schema) => schema['schema-id'] === metadata['current-schema-id'])) {
    throw misshapen(inside(root, 'current-schema-id'), 'no schema of this id')
  }
  if (!metadata['partition-specs'].some((spec) => spec['spec-id'] === metadata['default-spec-id'])) {
    throw misshapen(inside(root, 'default-spec-id'), 'no partition spec of this id')
  }
  if (current === null) {
    if (main !== undefined) throw misshapen(inside(root, 'refs.main'), 'names a snapshot, current-snapshot-id does not')
    return metadata
  }
  if (!metadata.snapshots.some((snapshot) => snapshot['snapshot-id'] === current)) {
    throw misshapen(inside(root, 'current-snapshot-id'), `no snapshot ${current}`)
  }
  if (main !== undefined && main['snapshot-id'] !== current) {
    throw misshapen(inside(root, 'refs.main'), `${main['snapshot-id']} differs from current-snapshot-id ${current}`)
  }
  // Writers before branches existed left `refs` out.
  return main === undefined
    ? { ...metadata, refs: { ...metadata.refs, main: { 'snapshot-id': current, type: 'branch' } } }
    : metadata
}

const snapshotMembers: ReadonlySet<string> = new Set([
  'snapshot-id',
  'parent-snapshot-id',
  'sequence-number',
  'timestamp-ms',
  'manifest-list',
  'summary',
  'schema-id',
])

/** One snapshot. One written while its table was still v1 has no sequence number: 0 (spec, "Sequence Numbers"). */
export function readSnapshot(value: unknown, place: Place): Snapshot {
  const object = readObject(value, place)
  const rest = Object.fromEntries(Object.entries(object).filter(([name]) => !snapshotMembers.has(name)))
  const parent = readOptional(object, 'parent-snapshot-id', place, readLong) ?? null
  return {
    'snapshot-id': readMember(object, 'snapshot-id', place, readLong),
    'parent-snapshot-id': parent === -1n ? null : parent,
    'sequence-number': readOptional(object, 'sequence-number', place, readLong) ?? 0n,
    'timestamp-ms': readMember(object, 'timestamp-ms', place, readInteger),
    'manifest-list': readMember(object, 'manifest-list', place, readString),
    summary: readOptional(object, 'summary', place, readStringMap) ?? {},
    'schema-id': readOptional(object, 'schema-id', place, readInteger) ?? null,
    ...(Object.keys(rest).length === 0 ? {} : { rest }),
  }
}

function readRefs(value: unknown, place: Place): Record<string, SnapshotRef> {
  const entries = Object.entries(readObject(value, place))
  return Object.fromEntries(entries.map(([name, ref]) => [name, readRef(ref, inside(place, name))]))
}

function readRef(value: unknown, place: Place): SnapshotRef {
  const object = readObject(value, place)
  const type = readMember(object, 'type', place, readString)
  if (type !== 'branch' && type !== 'tag')
    throw misshapen(inside(place, 'type'), `branch or tag expected, found ${type}`)
  const refAge = readOptional(object, 'max-ref-age-ms', place, readLong)
  const keep = readOptional(object, 'min-snapshots-to-keep', place, readInteger)
  const snapshotAge = readOptional(object, 'max-snapshot-age-ms', place, readLong)
  return {
    'snapshot-id': readMember(object, 'snapshot-id', place, readLong),
    type,
    ...(refAge === undefined ? {} : { 'max-ref-age-ms': refAge }),
    ...(keep === undefined ? {} : { 'min-snapshots-to-keep': keep }),
    ...(snapshotAge === undefined ? {} : { 'max-snapshot-age-ms': snapshotAge }),
  }
}

function readLogEntry(value: unknown, place: Place): TableMetadata['snapshot-log'][number] {
  const object = readObject(value, place)
  return {
    'snapshot-id': readMember(object, 'snapshot-id', place, readLong),
    'timestamp-ms': readMember(object, 'timestamp-ms', place, readInteger),
  }
}

function readFileEntry(value: unknown, place: Place): TableMetadata['metadata-log'][number] {
  const object = readObject(value, place)
  return {
    'metadata-file': readMember(object, 'metadata-file', place, readString),
    'timestamp-ms': readMember(object, 'timestamp-ms', place, readInteger),
  }
}

/** Statistics files that belong to these snapshots and to no other. */
export function statisticsFiles(metadata: TableMetadata, snapshotIds: ReadonlySet<bigint>): readonly string[] {
  const entries = ['statistics', 'partition-statistics'].flatMap((name): readonly unknown[] => {
    const list = metadata.rest[name]
    return Array.isArray(list) ? list : []
  })
  const [theirs, others] = [new Set<string>(), new Set<string>()]
  for (const entry of entries.filter(isObject)) {
    const { 'snapshot-id': id, 'statistics-path': path } = entry
    if (typeof path !== 'string') continue
    const isTheirs = (typeof id === 'bigint' || typeof id === 'number') && snapshotIds.has(BigInt(id))
    if (isTheirs) theirs.add(path)
    else others.add(path)
  }
  return [...theirs].filter((path) => !others.has(path))
}

/** Entries of `statistics` and the like that belong to these snapshots, taken out of `rest`. */
export function withoutStatisticsOf(
  rest: TableMetadata['rest'],
  snapshotIds: ReadonlySet<bigint>,
): TableMetadata['rest'] {
  const belongs = (entry: unknown): boolean => {
    const id = isObject(entry) ? entry['snapshot-id'] : undefined
    return (typeof id === 'bigint' || typeof id === 'number') && snapshotIds.has(BigInt(id))
  }
  const kept = { ...rest }
  for (const name of ['statistics', 'partition-statistics']) {
    const list = rest[name]
    if (Array.isArray(list)) kept[name] = list.filter((entry: unknown) => !belongs(entry))
  }
  return kept
}
