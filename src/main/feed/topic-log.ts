// The partitions of one topic in a log directory, open for appending. Main thread. Invariant: a directory keeps the cluster
// id it has and a topic the id it has; new ones follow from the feed, so that the same feed makes the same history anywhere.
import { IngestError } from '../../shared/errors.ts'
import {
  isMissing,
  kafkaUuid,
  listPartitions,
  type PartitionFolder,
  readClusterId,
  readTopicId,
} from '../../shared/kafka/log-directory.ts'
import { createLogDirectory, type LogWriter, openLogWriter } from '../../shared/kafka/log-writer.ts'
import { urlNamespace, uuid5 } from './uuid.ts'

const idNamespace = uuid5(urlNamespace, 'k2 feed')

/** Version 5 id of `name` in Kafka's text; like Kafka's own never with a dash in front, which a shell takes for an option. */
export function feedUuid(name: string): string {
  for (let attempt = 0; ; attempt++) {
    const id = kafkaUuid(uuid5(idNamespace, `${name} ${attempt}`))
    if (!id.startsWith('-')) return id
  }
}

export interface TopicLogOptions {
  readonly directory: string
  readonly topic: string
  readonly partitions: number
  readonly clusterId?: string | undefined
  readonly topicId?: string | undefined
}

/**
 * Opens every partition, made if missing, torn tails cut off. Ids that are neither given nor there follow from the topic's
 * name and from `identity`. Errors: FEED_CONFLICT where the topic has more partitions than asked for; SOURCE_IDENTITY where a
 * given id is not the one that is there; SOURCE_CORRUPT, STORE_NOT_WRITABLE, STORE_FULL.
 */
export async function openTopicLog(options: TopicLogOptions, identity: string): Promise<TopicLog> {
  const { directory, topic, partitions } = options
  const folders = (await listPartitions(directory)).filter((folder) => folder.topicName === topic)
  const more = folders.find((folder) => folder.partition >= partitions)
  if (more !== undefined) {
    throw new IngestError('FEED_CONFLICT', { directory, topic, partition: more.partition, reason: 'partitions differ' })
  }
  const clusterId = options.clusterId ?? (await presentClusterId(directory)) ?? feedUuid('cluster')
  const topicId = options.topicId ?? (await presentTopicId(folders)) ?? feedUuid(`topic ${topic} ${identity}`)
  await createLogDirectory(directory, clusterId)
  const writers: LogWriter[] = []
  try {
    for (let partition = 0; partition < partitions; partition++) {
      writers.push(await openLogWriter({ directory, topicName: topic, topicId, partition }))
    }
  } catch (error) {
    await closeAll(writers)
    throw error
  }
  return new TopicLog(writers)
}

export class TopicLog {
  readonly #writers: readonly LogWriter[]

  constructor(writers: readonly LogWriter[]) {
    this.#writers = writers
  }

  /** Next offset of each partition. */
  ends(): readonly bigint[] {
    return this.#writers.map((writer) => writer.nextOffset)
  }

  /** Appends a whole batch; on disk only after `sync`. */
  async append(partition: number, batch: Uint8Array): Promise<void> {
    await this.#writers[partition]?.append(batch)
  }

  async sync(): Promise<void> {
    for (const writer of this.#writers) await writer.sync()
  }

  async close(): Promise<void> {
    await closeAll(this.#writers)
  }
}

/** Closes them all, then throws the first failure. */
async function closeAll(writers: readonly LogWriter[]): Promise<void> {
  const results = await Promise.allSettled(writers.map((writer) => writer.close()))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function presentClusterId(directory: string): Promise<string | null> {
  try {
    return await readClusterId(directory)
  } catch (error) {
    if (error instanceof IngestError && isMissing(error.cause)) return null
    throw error
  }
}

/** A feed killed while it made the folders may have left some without their metadata. */
async function presentTopicId(folders: readonly PartitionFolder[]): Promise<string | null> {
  for (const folder of folders) {
    try {
      return await readTopicId(folder)
    } catch (error) {
      if (!(error instanceof IngestError && isMissing(error.cause))) throw error
    }
  }
  return null
}
