// What happens to a broker's log behind the back of a run: retention that overtakes a reader, a log cut below what was committed.
// Each stops by name, on a real server; what the table held stays. The broker of this file is killed and its segments are cut.
import { readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readBatchHeader } from '../../src/shared/kafka/record-batch.ts'
import { k2, startK2 } from '../support/k2-process.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { type PodLine, podLine, produce, proveAll } from '../support/pods.ts'

let server: KafkaServer
let cluster: KafkaCluster

beforeAll(async () => {
  server = await KafkaServer.start()
  cluster = new KafkaCluster(server.brokers)
}, 120_000)
afterAll(async () => {
  await cluster.close()
  await server.remove()
})

const rowsOf = async ({ tables }: PodLine): Promise<string> => (await k2('tables', 'show', ...tables, '--json')).out

test('retention that overtakes a reader while it reads stops it by name; what was committed stays', async () => {
  const line = await podLine(server, cluster, 1)
  await produce(line, 1_000, 1)
  const run = startK2([...line.words, '--commit-interval', '200ms'])
  await run.wrote('"total_records":"1000"')
  run.kill('SIGSTOP')
  await produce(line, 4_000, 2)
  await cluster.deleteBefore(line.topic, 0, 3_000)
  run.kill('SIGCONT')
  const { code, err } = await run.ended
  expect(code, err).toBe(1)
  expect(err).toMatch(/POSITION_OUT_OF_RANGE: .*position=1000 logStart=3000/)
  expect(await rowsOf(line)).toContain('1000')
}, 120_000)

test('a broker that hangs longer than the session and then goes on costs neither the run nor a record', async () => {
  const line = await podLine(server, cluster, 1)
  await produce(line, 1_000, 1)
  const run = startK2([...line.words, '--commit-interval', '200ms', '--session-timeout', '6s'])
  await run.wrote('"total_records":"1000"')
  await server.signal('SIGSTOP')
  await sleep(12_000)
  await server.signal('SIGCONT')
  await produce(line, 2_000, 2)
  await run.wrote('"total_records":"3000"')
  run.kill('SIGTERM')
  const { code, err } = await run.ended
  expect(code, err).toBe(0)
  await proveAll(line, 3_000)
}, 120_000)

test('a log that was cut below the position and written on beyond it stops the next run by its leader epoch', async () => {
  const line = await podLine(server, cluster, 1)
  await produce(line, 2_000, 1)
  const first = await k2(...line.words, '--until-end')
  expect(first.code, first.err).toBe(0)
  await server.stop('SIGKILL')
  await cutLog(join(server.data, `${line.topic}-0`), 1_000n)
  await server.resume()
  await produce(line, 4_000, 2)
  const run = await k2(...line.words, '--until-end')
  expect(run.code, run.err).toBe(1)
  expect(run.err).toMatch(/POSITION_OUT_OF_RANGE: .*position=2000.*the log was truncated/)
  expect(await rowsOf(line)).toContain('2000')
}, 120_000)

/** Cuts a partition's only segment at the record batch that begins at `offset`, as a disk that loses its last writes. */
async function cutLog(folder: string, offset: bigint): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    // The broker makes these anew from the segment.
    if (/\.(index|timeindex|snapshot)$/.test(name)) await rm(path)
    if (!name.endsWith('.log')) continue
    const bytes = await readFile(path)
    let at = 0
    for (let header = readBatchHeader(bytes, at); header !== null; header = readBatchHeader(bytes, at)) {
      if (header.baseOffset >= offset) break
      at += header.length
    }
    await truncate(path, at)
  }
}
