// Bytes that a broker serves as they lie on its disk, changed there while it was down: a flipped bit in a batch that is read and in one
// that only the source looks at, batches that decompress without end, a batch whose compression was cut. Each stops by name, with topic,
// partition and offset, after what precedes it; memory stays bounded; restored, the run goes on.
import { mkdtempSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listSegments } from '../../src/shared/kafka/log-directory.ts'
import { batchCrc, HEADER_BYTES, LENGTH_PREFIX_BYTES, readBatchHeader } from '../../src/shared/kafka/record-batch.ts'
import { writeRecordBatch } from '../../src/shared/kafka/record-batch-writer.ts'
import { compressSnappyXerial } from '../../src/shared/kafka/snappy-framing.ts'
import { goodRecord } from '../support/bad-records.ts'
import { type K2Ended, k2, saidIn, startK2 } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { type PodLine, podLine, produce, proveAll } from '../support/pods.ts'

const TIMEOUT_MS = 120_000
const MIB = 1024 * 1024
/** Far beyond the bound of 64 MiB, and what a process that obeys it has no room for. */
const BOMB_BYTES = 512 * MIB
const place = mkdtempSync(join(tmpdir(), 'k2-damage-'))
let server: KafkaServer
let cluster: KafkaCluster

interface Damage {
  readonly what: string
  /** What the line says beside its place. */
  readonly says: RegExp
  /** Offset of the batch; as many rows precede it. */
  readonly at: number
  /** Before the broker stops: the topic as it is to be. */
  readonly fill: (line: PodLine) => Promise<void>
  /** While it is down. */
  readonly spoil: (folder: string) => Promise<void>
}

const good = (baseOffset: number, count: number): Uint8Array =>
  writeRecordBatch(
    Array.from({ length: count }, (_, index) => goodRecord(baseOffset + index)),
    { baseOffset: BigInt(baseOffset) },
  )

/** A batch of one record whose compressed body is another, with the length and the CRC of that. */
function withBody(baseOffset: number, codec: 'gzip' | 'snappy', body: Uint8Array): Uint8Array {
  const head = writeRecordBatch([goodRecord(baseOffset)], { baseOffset: BigInt(baseOffset), codec })
  const batch = Buffer.concat([head.subarray(0, HEADER_BYTES), body])
  batch.writeInt32BE(batch.length - LENGTH_PREFIX_BYTES, 8)
  batch.writeUInt32BE(batchCrc(batch, 0, batch.length), 17)
  return batch
}

const empty = async (): Promise<void> => undefined

/** A log with these batches in place of what it held; the broker makes its indexes anew. */
const holding =
  (...batches: readonly Uint8Array[]) =>
  async (folder: string): Promise<void> => {
    for (const name of await readdir(folder)) {
      if (/\.(index|timeindex|snapshot)$/.test(name)) await rm(join(folder, name))
    }
    await writeFile(join(folder, `${'0'.repeat(20)}.log`), Buffer.concat(batches))
  }

/** Changes one bit in the middle of the batch at `offset`. Done twice, it is undone. */
async function flipIn(folder: string, offset: number): Promise<void> {
  for (const { path } of await listSegments(folder)) {
    const bytes = await readFile(path)
    let at = 0
    for (let header = readBatchHeader(bytes, at); header !== null; header = readBatchHeader(bytes, at)) {
      if (Number(header.baseOffset) === offset) {
        const middle = at + HEADER_BYTES + ((header.length - HEADER_BYTES) >> 1)
        bytes[middle] = (bytes[middle] ?? 0) ^ 4
        return writeFile(path, bytes)
      }
      at += header.length
    }
  }
  throw new Error(`no batch ${offset} in ${folder}`)
}

async function aborted({ topic }: PodLine): Promise<void> {
  const producer = cluster.kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
  const messages = Array.from({ length: 100 }, (_, index) => ({ partition: 0, value: `aborted ${index}` }))
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages })
  await transaction.abort()
  await producer.disconnect()
}

const damages: readonly Damage[] = [
  {
    what: 'a flipped bit',
    says: /SOURCE_CORRUPT: .*CRC mismatch.*broker or replica/,
    at: 1000,
    fill: (line) => produce(line, 2000, 1),
    spoil: (folder) => flipIn(folder, 1000),
  },
  {
    what: 'a flipped bit in an aborted transaction',
    says: /SOURCE_CORRUPT: .*CRC mismatch/,
    at: 500,
    fill: async (line) => {
      await produce(line, 500, 1)
      await aborted(line)
      await produce(line, 500, 2)
    },
    spoil: (folder) => flipIn(folder, 500),
  },
  {
    what: 'gzip without end',
    says: /DECOMPRESSION_BOUND: .*codec=gzip bytesMax=67108864.*--decompressed-bytes-max/,
    at: 10,
    fill: empty,
    spoil: holding(good(0, 10), withBody(10, 'gzip', gzipSync(Buffer.alloc(BOMB_BYTES), { level: 1 })), good(11, 10)),
  },
  {
    what: 'snappy that states a gigabyte',
    says: /DECOMPRESSION_BOUND: .*codec=snappy bytes=1073741824/,
    at: 10,
    fill: empty,
    spoil: holding(good(0, 10), withBody(10, 'snappy', Uint8Array.of(0x80, 0x80, 0x80, 0x80, 4, 0, 65)), good(11, 10)),
  },
  {
    what: 'snappy that was cut in its frame',
    says: /SOURCE_CORRUPT: .*codec=snappy reason=xerial block length/,
    at: 10,
    fill: empty,
    spoil: holding(
      good(0, 10),
      withBody(10, 'snappy', compressSnappyXerial(Buffer.alloc(999)).subarray(0, -7)),
      good(11, 10),
    ),
  },
]

/** Of a transaction that nobody has ended. */
const open = writeRecordBatch([goodRecord(20)], {
  ...{ baseOffset: 20n, kind: 'transactional', producer: { id: 4000n, epoch: 0, baseSequence: 0 } },
})
let hollow: PodLine

const lines = new Map<Damage, PodLine>()
const lineOf = (damage: Damage): PodLine => {
  const line = lines.get(damage)
  if (line === undefined) throw new Error(`${damage.what} has no topic`)
  return line
}
const folderOf = ({ topic }: PodLine): string => join(server.data, `${topic}-0`)

beforeAll(async () => {
  server = await KafkaServer.start()
  cluster = new KafkaCluster(server.brokers)
  for (const damage of damages) {
    const folder = join(place, String(lines.size))
    await mkdir(folder)
    const line = await podLine(server, cluster, 1, folder)
    await damage.fill(line)
    lines.set(damage, line)
  }
  await mkdir(join(place, 'hollow'))
  hollow = await podLine(server, cluster, 1, join(place, 'hollow'))
  await server.stop()
  for (const damage of damages) await damage.spoil(folderOf(lineOf(damage)))
  await holding(open)(folderOf(hollow))
  await server.resume()
}, TIMEOUT_MS)
afterAll(async () => {
  await cluster.close()
  await server.remove()
  await rm(place, { recursive: true, force: true, maxRetries: 5 })
})

const rowsOf = async ({ tables }: PodLine): Promise<number> => {
  const { out, err } = await k2('tables', 'show', ...tables, '--table', 'market_data.trades_v2', '--json')
  expect(out, err).toContain('"tables"')
  return Number(JSON.parse(out).tables[0].rows)
}

/** Runs to its end; the most memory that it had, in bytes. */
async function measured(words: readonly string[]): Promise<{ readonly ended: K2Ended; readonly peakBytes: number }> {
  const run = startK2(words)
  let peakBytes = 0
  while (!run.hasEnded()) {
    const status = readFileSync(`/proc/${run.pid}/status`, 'utf8')
    peakBytes = Math.max(peakBytes, 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0))
    await sleep(20)
  }
  return { ended: await run.ended, peakBytes }
}

test.each(damages)(
  '$what is a named stop, with what precedes it in the table',
  async (damage) => {
    const line = lineOf(damage)
    const { ended, peakBytes } = await measured([...line.words, '--until-end'])
    const [said = ''] = saidIn(ended.err).slice(-1)
    expect([ended.code, said]).toEqual([1, expect.stringMatching(damage.says)])
    expect(said).toMatch(new RegExp(`topic=${line.topic} partition=0 (batch|offset)=${damage.at}\\b`))
    expect(await rowsOf(line)).toBe(damage.at)
    expect(peakBytes).toBeGreaterThan(50 * MIB)
    expect(peakBytes).toBeLessThan(BOMB_BYTES)

    // It checks every batch, and reads the records of those that the table claims to hold.
    const verify = await k2('verify', '--brokers', server.brokers, '--topic', line.topic, ...line.tables)
    if (!damage.what.startsWith('a flipped bit')) expect([verify.code, verify.err]).toEqual([0, ''])
    else {
      const place = `topic=${line.topic} partition=0 offset=${damage.at} `
      expect([verify.code, verify.err]).toEqual([1, expect.stringMatching(`k2: SOURCE_CORRUPT: .*${place}.*CRC`)])
    }
  },
  TIMEOUT_MS,
)

// Brokers before 4.1 leave such logs where compaction has taken all that lies below an open transaction: committed records of it are
// fetched without an answer, for as long as that is open.
test(
  'a run to the end ends where nothing is left below the last stable offset',
  async () => {
    const run = await k2(...hollow.words, '--until-end')
    expect(run.code, run.err).toBe(0)
    const shown = await k2('positions', 'show', ...hollow.tables, '--table', 'market_data.trades_v2', '--json')
    expect(JSON.parse(shown.out).tables[0].partitions).toMatchObject([{ start: '0', next: '20' }])
    const verify = await k2('verify', '--brokers', server.brokers, '--topic', hollow.topic, ...hollow.tables, '--json')
    expect(JSON.parse(verify.out)).toMatchObject({ verdict: 'equal', tables: [{ totals: { tableRows: 0 } }] })
  },
  TIMEOUT_MS,
)

// The last one: it restarts the broker of this file.
test(
  'once the segment is restored, the run goes on',
  async () => {
    const [damage] = damages
    if (damage === undefined) throw new Error('no damage')
    const line = lineOf(damage)
    await server.stop()
    await damage.spoil(folderOf(line))
    await server.resume()
    await proveAll(line, 2000)
  },
  TIMEOUT_MS,
)
