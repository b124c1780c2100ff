// Makes a topic of trades among which each kind of hostile record lies equally often, its batches in all codecs. Run by a Node with
// zstd: `node hostile-topic.ts <log directory>`.
import { fileURLToPath } from 'node:url'
import { feedSynthetic, syntheticTopic } from '../../src/main/feed/synthetic.ts'
import { openFileRegistry } from '../../src/shared/avro/schema-registry.ts'
import { listPartitions, readTopicId } from '../../src/shared/kafka/log-directory.ts'
import { openLogWriter } from '../../src/shared/kafka/log-writer.ts'
import { writeRecordBatch } from '../../src/shared/kafka/record-batch-writer.ts'
import { goodRecord } from './bad-records.ts'
import { hostileKinds } from './hostile-kinds.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const PARTITIONS = 8
/** In each partition and codec: batches of a hundred records, ten of them bad. */
const BATCHES = 25
const BATCH = 100
const BAD_EACH = 10
const BESIDE = PARTITIONS * codecs.length * BATCHES * BATCH

/** What `hostileTopic` makes; each kind lies in it `bad / hostileKinds.length` times. */
export const hostileSize = { records: 1_000_000, bad: ((BESIDE / BATCH) * BAD_EACH) / 2 }

async function makeHostileTopic(directory: string): Promise<void> {
  const schemas = await openFileRegistry(fileURLToPath(new URL('../../schemas', import.meta.url)))
  const share = (hostileSize.records - BESIDE) / codecs.length
  let bad = 0
  for (const [round, codec] of codecs.entries()) {
    await feedSynthetic({
      directory,
      schemas,
      partitions: PARTITIONS,
      messages: share,
      codec,
      seed: round + 1,
      append: round > 0,
    })
    const folders = (await listPartitions(directory)).filter(({ topicName }) => topicName === syntheticTopic)
    for (const folder of folders) {
      const { partition } = folder
      const writer = await openLogWriter({
        directory,
        topicName: syntheticTopic,
        topicId: await readTopicId(folder),
        partition,
      })
      for (let batch = 0; batch < BATCHES; batch++) {
        const isMixed = batch % 2 === partition % 2
        const records = Array.from({ length: BATCH }, (_, index) => {
          if (!isMixed || index % (BATCH / BAD_EACH) !== 3) return goodRecord(index)
          return hostileKinds[bad++ % hostileKinds.length]?.[1] ?? goodRecord(index)
        })
        await writer.append(writeRecordBatch(records, { baseOffset: writer.nextOffset, codec }))
      }
      await writer.close()
    }
  }
  if (bad !== hostileSize.bad) throw new Error(`${bad} bad records instead of ${hostileSize.bad}`)
}

const [, script, directory] = process.argv
if (script === fileURLToPath(import.meta.url) && directory !== undefined) await makeHostileTopic(directory)
