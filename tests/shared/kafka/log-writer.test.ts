import { appendFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listPartitions, listSegments, readClusterId, readTopicId } from '../../../src/shared/kafka/log-directory.ts'
import { createLogDirectory, openLogWriter } from '../../../src/shared/kafka/log-writer.ts'
import { PartitionLog } from '../../../src/shared/kafka/partition-log.ts'
import {
  batch,
  clusterId,
  emptyLog,
  filesIn,
  offsetsIn,
  openWriter,
  temporaryDirectory,
  topicId,
} from '../../support/record-maker.ts'

const contents = async (directory: string): Promise<Uint8Array> => {
  const segments = await listSegments(join(directory, 'trades-0'))
  return Buffer.concat(await Promise.all(segments.map(({ path }) => readFile(path))))
}

test('a directory is made with its ids, and opened again only under the same ones', async () => {
  const directory = join(temporaryDirectory(), 'deep', 'log')
  await createLogDirectory(directory, clusterId)
  await createLogDirectory(directory, clusterId)
  expect(await readClusterId(directory)).toBe(clusterId)
  await (await openWriter(directory)).close()
  const [folder] = await listPartitions(directory)
  expect(folder).toMatchObject({ topicName: 'trades', partition: 0 })
  expect(folder && (await readTopicId(folder))).toBe(topicId)
  expect(await filesIn(join(directory, 'trades-0'))).toEqual(['00000000000000000000.log', 'partition.metadata'])

  await expect(createLogDirectory(directory, 'another-cluster-id-000')).rejects.toThrow('SOURCE_IDENTITY')
  const other = openLogWriter({ directory, topicName: 'trades', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partition: 0 })
  await expect(other).rejects.toThrow('SOURCE_IDENTITY')
})

test('segments roll before they would grow beyond their size, and are named by their first offset', async () => {
  const directory = await emptyLog()
  const bytes = batch(10, 10).length
  const writer = await openWriter(directory, { segmentBytes: 3 * bytes })
  for (let i = 0; i < 8; i++) await writer.append(batch(i * 10, 10))
  await writer.append(batch(80, 1, { padBytes: 4 * bytes }))
  await writer.close()
  const segments = await listSegments(join(directory, 'trades-0'))
  expect(segments.map(({ baseOffset }) => baseOffset)).toEqual([0n, 30n, 60n, 80n])
  expect(offsetsIn(await contents(directory))).toEqual(Array.from({ length: 81 }, (_, i) => i))
})

test('a writer goes on where the last one ended, also in a log that starts later than 0', async () => {
  const directory = await emptyLog()
  const first = await openWriter(directory, { startOffset: 500n })
  expect(first.nextOffset).toBe(500n)
  await first.append(Buffer.concat([batch(500, 2), batch(502, 3)]))
  await first.close()
  const second = await openWriter(directory)
  expect(second.nextOffset).toBe(505n)
  await second.append(batch(505, 1))
  await second.close()
  expect((await listSegments(join(directory, 'trades-0'))).map(({ baseOffset }) => baseOffset)).toEqual([500n])
  expect(offsetsIn(await contents(directory))).toEqual([500, 501, 502, 503, 504, 505])
})

test('cut at each byte of its last batch, the torn tail is replaced by what is appended next', async () => {
  const directory = await emptyLog()
  const file = join(directory, 'trades-0', '00000000000000000000.log')
  const good = batch(0, 2)
  const last = batch(2, 3)
  await (await openWriter(directory)).close()
  for (let cut = 0; cut <= last.length; cut++) {
    await writeFile(file, Buffer.concat([good, last.subarray(0, cut)]))
    const writer = await openWriter(directory)
    const next = cut === last.length ? 5 : 2
    expect(writer.nextOffset).toBe(BigInt(next))
    await writer.append(batch(next, 1))
    await writer.close()
    expect(offsetsIn(await readFile(file))).toEqual(cut === last.length ? [0, 1, 2, 3, 4, 5] : [0, 1, 2])
  }
})

test('a log damaged before its end is left as it is', async () => {
  const directory = await emptyLog()
  const writer = await openWriter(directory)
  await writer.append(batch(0, 2))
  await writer.close()
  const file = join(directory, 'trades-0', '00000000000000000000.log')
  await appendFile(file, Buffer.concat([batch(2, 2).subarray(0, 40), batch(4, 2)]))
  const before = await readFile(file)
  await expect(openWriter(directory)).rejects.toThrow('SOURCE_CORRUPT')
  expect((await readFile(file)).equals(before)).toBe(true)
})

test('what is no whole batch, or goes back in offsets, is never written', async () => {
  const directory = await emptyLog()
  const writer = await openWriter(directory)
  await writer.append(batch(0, 2))
  for (const bad of [batch(1, 1), batch(2, 1).subarray(0, 60), new Uint8Array(0)]) {
    await expect(writer.append(bad)).rejects.toThrow('assertion failed')
  }
  await writer.append(batch(7, 1))
  await writer.close()
  expect(offsetsIn(await contents(directory))).toEqual([0, 1, 7])
})

test('a place that cannot be written is STORE_NOT_WRITABLE', async () => {
  const directory = temporaryDirectory()
  await writeFile(join(directory, 'file'), '')
  await expect(createLogDirectory(join(directory, 'file', 'log'), clusterId)).rejects.toThrow('STORE_NOT_WRITABLE')
  const log = await emptyLog(join(directory, 'log'))
  await mkdir(join(log, 'trades-0'))
  await mkdir(join(log, 'trades-0', 'partition.metadata.tmp'))
  await expect(openWriter(log)).rejects.toThrow('STORE_NOT_WRITABLE')
})

test('a view of a growing log is brought up to date: appends, rolls, a tail that was cut off', async () => {
  const directory = await emptyLog()
  const writer = await openWriter(directory, { segmentBytes: batch(10, 10).length * 2 })
  const log = new PartitionLog({ topicName: 'trades', partition: 0, path: join(directory, 'trades-0') })
  // Steps of one and of many batches: none, one or several segments begin between two looks.
  let next = 0
  for (const step of [0, 1, 1, 1, 5, 2]) {
    for (let i = 0; i < step; i++, next += 10) await writer.append(batch(next, 10))
    expect(await log.refresh()).toMatchObject({ logStart: 0n, logEnd: BigInt(next) })
  }
  await writer.close()
  expect(await log.refresh()).toMatchObject({ logEnd: 100n })
  const last = (await listSegments(join(directory, 'trades-0'))).at(-1)
  await truncate(last?.path ?? '', 30)
  expect(await log.refresh()).toMatchObject({ logEnd: last?.baseOffset })
})
