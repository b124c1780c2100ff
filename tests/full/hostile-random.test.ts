// Random interleavings of producers, the same for the same seed: K2 and its verify read of each what librdkafka reads.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logDirectory } from '../../src/shared/verify/log-partitions.ts'
import { featuresOf, makeLogs } from '../support/hostile-logs/hostile-log.ts'
import { HostileWorld } from '../support/hostile-logs/hostile-world.ts'
import { randomLog } from '../support/hostile-logs/random-log.ts'
import {
  differences,
  linesFromBrokers,
  linesFromDirectory,
  linesFromLibrdkafka,
  linesFromVerify,
} from '../support/hostile-logs/record-lines.ts'

const logs = Array.from({ length: 12 }, (_, seed) => randomLog(seed))
const topics = logs.map(({ topic }) => topic)
let world: HostileWorld

beforeAll(async () => {
  world = await HostileWorld.start()
  await makeLogs(world, logs)
}, 600_000)
afterAll(async () => world.close())

test('twelve random logs, compacted and not', async () => {
  const { brokers, data } = world.server
  const wanted = await linesFromLibrdkafka(brokers, topics)
  for (const { topic, shows } of logs) {
    expect.soft([...(await featuresOf(data, topic))], topic).toEqual(expect.arrayContaining([...shows]))
  }
  expect(differences(await linesFromBrokers(brokers, topics), wanted)).toEqual([])
  expect(differences(await linesFromBrokers(brokers, topics, 1), wanted)).toEqual([])
  expect(differences(await linesFromDirectory(data, topics), wanted)).toEqual([])
  expect(differences(await linesFromVerify(logDirectory(data), topics), wanted)).toEqual([])
}, 300_000)
