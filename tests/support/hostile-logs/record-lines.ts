// What K2 reads of logs, as the lines that tests/support/readers/dump_topics.py writes of them: by the Kafka source, by the log
// directory, and by the second reader that verify has. Invariant: records come from the product's own path, batch by batch.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKafkaSource } from '../../../src/main/ingest/kafka-source.ts'
import { openLogSource } from '../../../src/main/ingest/log-source.ts'
import type { RecordBatches } from '../../../src/main/ingest/record-source.ts'
import type { KafkaConnection } from '../../../src/main/kafka/connection.ts'
import { decompressBody } from '../../../src/shared/kafka/compression.ts'
import { batchBody, isBatchIntact, readBatchHeader } from '../../../src/shared/kafka/record-batch.ts'
import { decodeHeaders, RecordCursor } from '../../../src/shared/kafka/record-cursor.ts'
import type { PartitionPosition } from '../../../src/shared/offsets.ts'
import type { RecordWalk } from '../../../src/shared/verify/log-records.ts'
import { scanSource, scanTransactions } from '../../../src/shared/verify/source-scan.ts'
import type { LogPartition, VerifySource } from '../../../src/shared/verify/verify-source.ts'
import { runReader } from '../python-venv.ts'

/** Lines by topic, partitions in order. */
export type TopicLines = ReadonlyMap<string, readonly string[]>

export const plainConnection = (brokers: string): KafkaConnection => ({
  ...{ brokers: [brokers], saslMechanism: 'plain', saslUsername: null, saslPassword: null },
  ...{ ssl: false, sslCa: null, sslCert: null, sslKey: null },
})

const BYTES_MAX = 64 * 1024 * 1024

/** Lines of slices, by topic and partition; each partition's slices must follow one another, and its end is kept. */
class Lines {
  readonly #partitions = new Map<string, { readonly lines: string[]; next: bigint }>()

  begin(topicName: string, partition: number, next: bigint): void {
    this.#partitions.set(`${topicName}/${partition}`, { lines: [], next })
  }

  add(slice: RecordBatches): void {
    const { topicName, partition, first, next } = slice
    const held = this.#partitions.get(`${topicName}/${partition}`)
    if (held === undefined || held.next !== first) throw new Error(`${topicName}/${partition}: ${held?.next}, ${first}`)
    held.next = next
    for (const line of linesOf(slice)) held.lines.push(line)
  }

  next(topicName: string, partition: number): bigint {
    return this.#partitions.get(`${topicName}/${partition}`)?.next ?? -1n
  }

  byTopic(): TopicLines {
    const byTopic = new Map<string, string[]>()
    const numbered = [...this.#partitions].map(([key, { lines }]) => ({ topic: key.split('/')[0] ?? '', key, lines }))
    for (const { topic, lines } of numbered.sort((a, b) => (a.key < b.key ? -1 : 1))) {
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), ...lines])
    }
    return byTopic
  }
}

function* linesOf({ partition, first, next, bytes }: RecordBatches): Generator<string> {
  const cursor = new RecordCursor()
  for (let at = 0; at < bytes.length; ) {
    const header = readBatchHeader(bytes, at)
    if (header === null || !isBatchIntact(bytes, at, header)) throw new Error(`broken batch at byte ${at}`)
    const body = decompressBody(header.codec, batchBody(bytes, at, header), BYTES_MAX)
    cursor.reset(body, header.recordCount, header.lastOffsetDelta)
    while (cursor.next()) {
      const offset = header.baseOffset + BigInt(cursor.offsetDelta)
      if (offset < first || offset >= next) continue
      const isAppend = header.timestampType === 'log-append'
      const time = isAppend ? header.maxTimestamp : header.baseTimestamp + BigInt(cursor.timestampDelta)
      yield lineOf({
        place: [partition, Number(offset), isAppend ? 'append' : 'create', Number(time)],
        key: cut(body, cursor.keyStart, cursor.keyEnd),
        value: cut(body, cursor.valueStart, cursor.valueEnd),
        headers: decodeHeaders(body, cursor).map(({ key, value }) => [Buffer.from(key), value]),
      })
    }
    at += header.length
  }
}

const cut = (bytes: Uint8Array, start: number, end: number): Uint8Array | null =>
  start < 0 ? null : bytes.subarray(start, end)

const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

interface Line {
  readonly place: readonly [partition: number, offset: number, kind: string, time: number]
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly (readonly [Uint8Array, Uint8Array | null])[]
}

const lineOf = ({ place, key, value, headers }: Line): string =>
  JSON.stringify([...place, base64(key), base64(value), headers.map(([name, bytes]) => [base64(name), base64(bytes)])])

/** Read by librdkafka's consumer with `isolation.level=read_committed`. */
export async function linesFromLibrdkafka(brokers: string, topics: readonly string[]): Promise<TopicLines> {
  const folder = await mkdtemp(join(tmpdir(), 'k2-lines-'))
  try {
    await runReader('dump_topics.py', brokers, folder, ...topics)
    const lines = topics.map(async (topic) => {
      const text = await readFile(join(folder, `${topic}.jsonl`), 'ascii')
      return [topic, text.split('\n').slice(0, -1)] as const
    })
    return new Map(await Promise.all(lines))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Read by a run to the end from the earliest record on. `bytesMax` bounds what one fetch brings beyond a batch. */
export async function linesFromBrokers(
  brokers: string,
  topics: readonly string[],
  bytesMax = 16 * 1024 * 1024,
): Promise<TopicLines> {
  const stop = new AbortController()
  const source = await openKafkaSource(
    {
      connection: plainConnection(brokers),
      topics,
      group: `lines-${bytesMax}-${Math.random()}`,
      start: { kind: 'earliest' },
      untilEnd: true,
      sessionTimeoutMs: 10_000,
      instanceId: null,
      queueBytesMax: bytesMax,
      notice: () => undefined,
    },
    stop.signal,
  )
  try {
    for await (const assignment of source.assignments(stop.signal)) {
      const partitions = await assignment.partitions()
      const lines = new Lines()
      for (const { topicName, partition, start } of partitions) lines.begin(topicName, partition, start)
      const positions = partitions.map(({ topic, partition, start }) => ({ topic, partition, next: start }))
      for await (const slice of assignment.read(positions, stop.signal)) lines.add(slice)
      for (const { topicName, partition, end } of partitions) {
        const next = lines.next(topicName, partition)
        if (next !== end) throw new Error(`${topicName}/${partition} was read to ${next}, not to ${end}`)
      }
      return lines.byTopic()
    }
    throw new Error('never assigned')
  } finally {
    stop.abort()
    await source.close()
  }
}

/** Read by a run to the end over a log directory. */
export async function linesFromDirectory(
  directory: string,
  topics: readonly string[],
  sliceBytes?: number,
): Promise<TopicLines> {
  const names = { kind: 'names', names: topics } as const
  const source = await openLogSource({ directory, topics: names, ...(sliceBytes === undefined ? {} : { sliceBytes }) })
  const lines = new Lines()
  const positions: PartitionPosition[] = []
  for (const { topic, topicName, partition, logStart } of await source.partitions()) {
    lines.begin(topicName, partition, logStart)
    positions.push({ topic, partition, next: logStart })
  }
  for await (const slice of source.read(positions, new AbortController().signal)) lines.add(slice)
  return lines.byTopic()
}

/**
 * Read by verify's own reader, up to the first transaction that is open. `starts`: where logs begin, as verify compares what a table
 * claims to hold and reads the segments of a directory from their first batch on.
 */
export async function linesFromVerify(
  source: VerifySource,
  topics: readonly string[],
  starts: (log: LogPartition) => number = ({ logStart }) => logStart,
): Promise<TopicLines> {
  const byTopic = new Map<string, string[]>(topics.map((topic) => [topic, []]))
  const partitions = await source.partitions((topic) => topics.includes(topic))
  for (const log of [...partitions].sort((a, b) => a.partition - b.partition)) {
    const lines = byTopic.get(log.topicName) ?? []
    const start = starts(log)
    let kind = 'create'
    let isOpen = false
    const record = (walk: RecordWalk): null => {
      if (!isOpen && walk.offset >= start) lines.push(walkLine(log.partition, kind, walk))
      return null
    }
    await scanSource(
      log,
      await scanTransactions(log),
      {
        absent: (_first, _next, reason) => {
          if (reason === 'open') isOpen = true
        },
        wants: (batch) => {
          kind = (batch.attributes & 8) === 0 ? 'create' : 'append'
          return true
        },
        passed: () => undefined,
        block: () => undefined,
        record,
      },
      { from: 0, to: Number.MAX_SAFE_INTEGER, decompressedBytesMax: BYTES_MAX },
    )
  }
  return byTopic
}

function walkLine(partition: number, kind: string, walk: RecordWalk): string {
  const { bytes, offset, timestamp } = walk
  const headers: (readonly [Uint8Array, Uint8Array | null])[] = []
  walk.headers((_index, keyStart, keyEnd, valueStart, valueEnd) => {
    headers.push([bytes.subarray(keyStart, keyEnd), cut(bytes, valueStart, valueEnd)])
  })
  return lineOf({
    place: [partition, offset, kind, timestamp],
    key: cut(bytes, walk.keyStart, walk.keyEnd),
    value: cut(bytes, walk.valueStart, walk.valueEnd),
    headers,
  })
}

export interface Difference {
  readonly topic: string
  readonly counts: readonly [got: number, wanted: number]
  /** The first lines that differ, cut short. */
  readonly first: readonly [got: string, wanted: string]
}

/** Topics whose lines are not the wanted ones. */
export function differences(got: TopicLines, wanted: TopicLines): Difference[] {
  return [...wanted].flatMap(([topic, lines]) => {
    const own = got.get(topic) ?? []
    const at = Array.from({ length: Math.max(own.length, lines.length) }, (_, i) => i).find((i) => own[i] !== lines[i])
    if (at === undefined) return []
    const short = (line: string | undefined): string => (line ?? 'nothing').slice(0, 200)
    return [{ topic, counts: [own.length, lines.length], first: [short(own[at]), short(lines[at])] }]
  })
}
