// Bytes of a real broker, read without one: tests/fixtures/broker-log. What is wanted is what librdkafka read from that broker.
import { beforeAll, describe, expect, test } from 'vitest'
import { listPartitions, readLogStart } from '../../../src/shared/kafka/log-directory.ts'
import { logDirectory } from '../../../src/shared/verify/log-partitions.ts'
import { featuresOf } from '../../support/hostile-logs/hostile-log.ts'
import { type BrokerLog, fixtureLogs, readFixture, unpack } from '../../support/hostile-logs/make-fixture.ts'
import { differences, linesFromDirectory, linesFromVerify } from '../../support/hostile-logs/record-lines.ts'
import { temporaryDirectory } from '../../support/record-maker.ts'

const topics = fixtureLogs.map(({ topic }) => topic)
let fixture: BrokerLog

beforeAll(async () => {
  fixture = await readFixture()
})

async function unpacked(): Promise<string> {
  const directory = temporaryDirectory()
  await unpack(fixture, directory)
  return directory
}

describe("a broker's own log", () => {
  test('has in its segments what it is there for', async () => {
    const directory = await unpacked()
    expect([...fixture.lines.keys()].sort()).toEqual([...topics].sort())
    for (const { topic, shows } of fixtureLogs) {
      expect.soft([...(await featuresOf(directory, topic))], topic).toEqual(expect.arrayContaining([...shows]))
    }
  })

  test.each([1, 1000, 1 << 20])(
    'is read in slices of %d bytes as librdkafka read it from the broker',
    async (bytes) => {
      expect(differences(await linesFromDirectory(await unpacked(), topics, bytes), fixture.lines)).toEqual([])
    },
  )

  test('is read by verify as librdkafka read it', async () => {
    const directory = await unpacked()
    const starts = new Map<string, number>()
    for (const folder of await listPartitions(directory)) {
      starts.set(`${folder.topicName}/${folder.partition}`, Number(await readLogStart(folder)))
    }
    const startOf = (log: { topicName: string; partition: number }) =>
      starts.get(`${log.topicName}/${log.partition}`) ?? 0
    expect(differences(await linesFromVerify(logDirectory(directory), topics, startOf), fixture.lines)).toEqual([])
  })
})
