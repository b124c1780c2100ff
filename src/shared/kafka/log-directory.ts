// The on-disk form of Kafka logs: which folders are partitions, who they are, which files are segments. Any thread.
// Invariant: nothing is read but what a broker counts as its log: deleted, swapped and stray parts are passed over.
//   <dir>/meta.properties (cluster.id) · <dir>/<topic>-<partition>/partition.metadata (topic_id) · …/<20-digit base offset>.log
//   <dir>/log-start-offset-checkpoint (where DeleteRecords moved a start)
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { IngestError } from '../errors.ts'

export interface PartitionFolder {
  readonly topicName: string
  readonly partition: number
  readonly path: string
}

export interface Segment {
  readonly path: string
  /** Least offset it may hold. */
  readonly baseOffset: bigint
}

export const metaFile = 'meta.properties'
export const partitionFile = 'partition.metadata'
export const startsFile = 'log-start-offset-checkpoint'

export const partitionFolderName = (topicName: string, partition: number): string => `${topicName}-${partition}`
export const segmentFileName = (baseOffset: bigint): string => `${baseOffset.toString().padStart(20, '0')}.log`

/** A topic or cluster id as Kafka prints it: base64url of 16 bytes. */
export const kafkaUuid = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const UUID = /^[A-Za-z0-9_-]{22}$/

/**
 * Partitions below a log directory by topic and number. A topic name may contain dashes, so the last one counts; folders with an
 * ending after the number (`-delete`, `-stray`, `-future`) are none. Errors: SOURCE_MISSING, SOURCE_UNREADABLE.
 */
export async function listPartitions(directory: string): Promise<PartitionFolder[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    throw new IngestError(isMissing(error) ? 'SOURCE_MISSING' : 'SOURCE_UNREADABLE', { directory }, error)
  })
  const found: PartitionFolder[] = []
  for (const entry of entries) {
    const match = /^([A-Za-z0-9._-]{1,249})-(0|[1-9]\d{0,8})$/.exec(entry.name)
    if (match?.[1] === undefined || !(entry.isDirectory() || entry.isSymbolicLink())) continue
    found.push({ topicName: match[1], partition: Number(match[2]), path: join(directory, entry.name) })
  }
  return found.sort((a, b) => compareText(a.topicName, b.topicName) || a.partition - b.partition)
}

/** `cluster.id` of `meta.properties`. Errors: SOURCE_IDENTITY, SOURCE_UNREADABLE. */
export async function readClusterId(directory: string): Promise<string> {
  const id = await readProperty(join(directory, metaFile), /^\s*cluster\.id\s*[=:]\s*(\S+)\s*$/m)
  // The slash separates it from the topic id in keys.
  if (id.includes('/')) throw new IngestError('SOURCE_IDENTITY', { directory, clusterId: id })
  return id
}

/** `topic_id` of a partition's `partition.metadata`, version 0. Errors: SOURCE_IDENTITY, SOURCE_UNREADABLE. */
export async function readTopicId(folder: PartitionFolder): Promise<string> {
  const id = await readProperty(join(folder.path, partitionFile), /^\s*topic_id:\s*(\S+)\s*$/m)
  if (!UUID.test(id)) throw new IngestError('SOURCE_IDENTITY', { folder: folder.path, topicId: id })
  return id
}

async function readProperty(file: string, pattern: RegExp): Promise<string> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new IngestError(isMissing(error) ? 'SOURCE_IDENTITY' : 'SOURCE_UNREADABLE', { file }, error)
  }
  const value = pattern.exec(text)?.[1]
  if (value === undefined) throw new IngestError('SOURCE_IDENTITY', { file, missing: pattern.source })
  return value
}

/**
 * Where the broker says that a partition's log begins, if it moved the start into a segment (`DeleteRecords`); else 0. Its checkpoint,
 * version 0: lines of topic, partition and offset. Errors: SOURCE_UNREADABLE.
 */
export async function readLogStart({ path, topicName, partition }: PartitionFolder): Promise<bigint> {
  const file = join(dirname(path), startsFile)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return ''
    throw new IngestError('SOURCE_UNREADABLE', { file }, error)
  })
  const place = `${topicName} ${partition} `
  const line = text.split('\n').find((each) => each.startsWith(place))
  if (line === undefined) return 0n
  const offset = line.slice(place.length).trim()
  if (!/^\d{1,19}$/.test(offset)) throw new IngestError('SOURCE_UNREADABLE', { file, line })
  return BigInt(offset)
}

/** Segments of a partition by base offset. Errors: SOURCE_UNREADABLE. */
export async function listSegments(path: string): Promise<Segment[]> {
  const names = await readdir(path).catch((error: unknown) => {
    throw new IngestError('SOURCE_UNREADABLE', { folder: path }, error)
  })
  return names
    .filter((name) => /^\d{20}\.log$/.test(name))
    .sort()
    .map((name) => ({ path: join(path, name), baseOffset: BigInt(name.slice(0, 20)) }))
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
