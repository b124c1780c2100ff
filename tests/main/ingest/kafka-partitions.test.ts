import { describe, expect, test } from 'vitest'
import {
  checkEpochs,
  checkPositions,
  KafkaPartitions,
  untilAnswered,
} from '../../../src/main/ingest/kafka-partitions.ts'
import { type LeaderOf, PartitionOffsets } from '../../../src/main/kafka/cluster-look.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import type { Start } from '../../../src/shared/option-values.ts'

/** A cluster with one topic: per partition [first, last stable] offset. */
class FakeLook {
  readonly logs: [bigint, bigint][]
  readonly epochEnds: bigint[]
  constructor(logs: [bigint, bigint][], epochEnds: bigint[] = []) {
    this.logs = logs
    this.epochEnds = epochEnds
  }
  async topics() {
    const partitions = this.logs.map((_, partition) => ({ errorCode: 0, partition, leader: 1, leaderEpoch: 0 }))
    return { clusterId: 'c', topics: [{ errorCode: 0, name: 'trades', topicId: 't', isInternal: false, partitions }] }
  }
  earliest = async (partitions: readonly LeaderOf[]) => this.#offsets(partitions, (p) => this.logs[p]?.[0])
  latest = async (partitions: readonly LeaderOf[]) => this.#offsets(partitions, (p) => this.logs[p]?.[1])
  atTime = async (partitions: readonly LeaderOf[], time: bigint) =>
    this.#offsets(partitions, (p) => (time > 1000n ? -1n : (this.logs[p]?.[0] ?? 0n) + time))
  endOfEpochs = async (partitions: readonly LeaderOf[]) => this.#offsets(partitions, (p) => this.epochEnds[p])
  #offsets(partitions: readonly LeaderOf[], of: (partition: number) => bigint | undefined): PartitionOffsets {
    return new PartitionOffsets(
      partitions.map(({ topic, partition }) => ({ topic, partition, errorCode: 0, offset: of(partition) ?? -1n })),
    )
  }
}

const trades = { kind: 'names', names: ['trades'] } as const
const startsOf = async (look: FakeLook, start: Start) =>
  (await new KafkaPartitions(look, start).of(trades, [])).map((partition) => partition.start)

describe('a first run', () => {
  const look = new FakeLook([
    [10n, 50n],
    [0n, 20n],
  ])
  test.each<[string, Start, bigint[]]>([
    ['the earliest', { kind: 'earliest' }, [10n, 0n]],
    ['the latest', { kind: 'latest' }, [50n, 20n]],
    ['a time', { kind: 'time', ms: 7 }, [17n, 7n]],
    ['a time after every record', { kind: 'time', ms: 2000 }, [50n, 20n]],
    ['offsets', { kind: 'offsets', offsets: [{ topic: 'trades', partition: 1, offset: '5' }] }, [10n, 5n]],
  ])('that starts at %s begins there', async (_, start, expected) => {
    expect(await startsOf(look, start)).toEqual(expected)
  })
})

test('the end of a run is fixed by the first look; a partition added later begins at its beginning', async () => {
  const look = new FakeLook([[0n, 50n]])
  const known = new KafkaPartitions(look, { kind: 'latest' })
  await known.of(trades, [])
  look.logs[0] = [5n, 90n]
  look.logs[1] = [0n, 30n]
  expect(await known.of(trades, [{ topic: 'trades', partitions: [1] }])).toEqual([
    expect.objectContaining({ topic: 'c/t', partition: 0, logEnd: 90n, end: 50n, isAssigned: false }),
    expect.objectContaining({ partition: 1, start: 0n, end: 30n, isAssigned: true }),
  ])
})

describe('a position', () => {
  const position = (next: bigint, leaderEpoch = 3) => [{ topic: 'c/t', partition: 0, next, leaderEpoch }]
  const partitionsOf = (look: FakeLook) => new KafkaPartitions(look, { kind: 'earliest' }).of(trades, [])
  test('outside the log is named with what the log holds', async () => {
    const partitions = await partitionsOf(new FakeLook([[10n, 50n]]))
    for (const next of [10n, 50n]) expect(() => checkPositions(partitions, position(next))).not.toThrow()
    for (const next of [9n, 51n]) {
      const context = { topic: 'trades', partition: 0, position: next, logStart: 10n, logEnd: 50n }
      expect(() => checkPositions(partitions, position(next))).toThrow(expect.objectContaining({ context }))
    }
  })
  test('beyond the end of its own leader epoch shows that the log was truncated', async () => {
    const look = new FakeLook([[0n, 900n]], [40n])
    const partitions = await partitionsOf(look)
    await expect(checkEpochs(look, partitions, position(40n))).resolves.toBeUndefined()
    await expect(checkEpochs(look, partitions, position(41n))).rejects.toMatchObject({
      code: 'POSITION_OUT_OF_RANGE',
      context: { position: 41n, leaderEpoch: 3, epochEnd: 40n, reason: 'the log was truncated' },
    })
  })
  test('of an epoch that no broker knows is let through', async () => {
    const look = new FakeLook([[0n, 900n]], [-1n])
    await expect(checkEpochs(look, await partitionsOf(look), position(41n))).resolves.toBeUndefined()
  })
})

test('brokers are asked until they answer, but not for what waiting does not help', async () => {
  const notices: unknown[] = []
  const options = {
    msMax: 5000,
    signal: new AbortController().signal,
    notice: (fields: object) => notices.push(fields),
  }
  let tries = 0
  const answer = await untilAnswered(async () => {
    if (++tries < 2) throw new IngestError('BROKER_UNREACHABLE')
    return 'yes'
  }, options)
  expect([answer, tries, notices.length]).toEqual(['yes', 2, 1])
  const refused = untilAnswered(() => Promise.reject(new IngestError('BROKER_REFUSED')), options)
  await expect(refused).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
})
