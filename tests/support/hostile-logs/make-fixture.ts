// Makes tests/fixtures/broker-log: small hostile logs, from the disk of a real broker that was restarted in between, with what
// librdkafka read of them. Run by tests/full/broker-log-fixture.test.ts; `UPDATE_FIXTURE=1` writes what it made.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  listPartitions,
  listSegments,
  metaFile,
  partitionFile,
  startsFile,
} from '../../../src/shared/kafka/log-directory.ts'
import { compactionLogs } from './compaction-logs.ts'
import { type HostileLog, makeLogs } from './hostile-log.ts'
import { HostileWorld } from './hostile-world.ts'
import { RecordMaker } from './made-records.ts'
import { type MadeCodec, makes } from './producers.ts'
import { linesFromLibrdkafka, type TopicLines } from './record-lines.ts'
import { transactionLogs } from './transaction-logs.ts'

export interface BrokerLog {
  /** Content by path below the log directory. */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly lines: TopicLines
}

const folder = fileURLToPath(new URL('../../fixtures/broker-log', import.meta.url))
const codecs: readonly MadeCodec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const everyCodec: HostileLog = {
  topic: 'codecs',
  partitions: 2,
  shows: [...codecs, 'xerial', 'later epoch', 'a batch of one'],
  make: async ({ producers }, topic) => {
    const maker = new RecordMaker(300)
    for (const make of makes) {
      // A zstd of kafkajs is this Node's, and some have none.
      for (const codec of codecs.filter((each) => make !== 'kafkajs' || each !== 'zstd')) {
        const producer = await producers.open(make, { codec })
        await producer.send(topic, 0, maker.some(20))
        await producer.send(topic, 1, maker.oddities())
      }
    }
  },
}

/** How far a second cleaning is with what a first has marked depends on the moment; these logs are the same each time. */
const isSteady = ({ topic }: HostileLog): boolean => !topic.endsWith('-gone') && topic !== 'transactions-long-open'

export const fixtureLogs: readonly HostileLog[] = [
  everyCodec,
  ...[...transactionLogs, ...compactionLogs].filter(isSteady),
]

/** Half a minute. */
export async function makeBrokerLog(): Promise<BrokerLog> {
  const world = await HostileWorld.start()
  try {
    await makeLogs(world, fixtureLogs)
    await world.restart()
    const maker = new RecordMaker(301)
    const late = await world.producers.open('kafkajs')
    for (const partition of [0, 1]) await late.send(everyCodec.topic, partition, maker.some(1))
    const topics = fixtureLogs.map(({ topic }) => topic)
    const lines = await linesFromLibrdkafka(world.server.brokers, topics)
    await world.server.stop()
    return { files: await filesOf(world.server.data, topics), lines }
  } finally {
    await world.close()
  }
}

/** What K2 reads of a log directory. */
async function filesOf(directory: string, topics: readonly string[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  const add = async (...path: string[]): Promise<void> => {
    files.set(path.join('/'), await readFile(join(directory, ...path)))
  }
  for (const file of [metaFile, startsFile]) await add(file)
  for (const { path, topicName, partition } of await listPartitions(directory)) {
    if (!topics.includes(topicName)) continue
    const name = `${topicName}-${partition}`
    await add(name, partitionFile)
    for (const segment of await listSegments(path)) await add(name, segment.path.slice(path.length + 1))
  }
  return files
}

const filesFile = join(folder, 'log.json.gz')
const linesFile = join(folder, 'librdkafka.json.gz')

export async function writeFixture({ files, lines }: BrokerLog): Promise<void> {
  await mkdir(folder, { recursive: true })
  const contents = [...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')])
  await writeFile(filesFile, gzipSync(JSON.stringify(contents), { level: 9 }))
  await writeFile(linesFile, gzipSync(JSON.stringify([...lines]), { level: 9 }))
}

/** The fixture that is there; needs no broker. Its files are ours, so that their shape is taken for granted. */
export async function readFixture(): Promise<BrokerLog> {
  const parse = async (file: string) => JSON.parse(gunzipSync(await readFile(file)).toString())
  const contents: [string, string][] = await parse(filesFile)
  const lines: [string, string[]][] = await parse(linesFile)
  return { files: new Map(contents.map(([path, text]) => [path, Buffer.from(text, 'base64')])), lines: new Map(lines) }
}

/** Puts the files of a log below a folder. */
export async function unpack({ files }: BrokerLog, directory: string): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), bytes)
  }
}
