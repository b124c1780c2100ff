// k2 feed csv, k2 feed synthetic: record batches into a log directory or a Kafka topic. Main thread. The first SIGTERM or SIGINT
// stops the feed after a whole batch; into a log directory the same command goes on there.
import { openFileRegistry } from '../../shared/avro/schema-registry.ts'
import type { Config } from '../../shared/config.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { feedCsv } from '../feed/csv.ts'
import type { FeedSchemas } from '../feed/feed-schema.ts'
import type { FeedPlace, FeedResult } from '../feed/feed-sink.ts'
import { feedSynthetic } from '../feed/synthetic.ts'
import { openServers } from '../registry/open-registry.ts'
import { openProgressLine } from '../terminal/progress.ts'
import { formatNumber } from '../terminal/style.ts'

export const feedCsvCommand = (config: Config<'feed csv'>, io: CommandIo): Promise<number> =>
  feed(config, io, (target) => feedCsv({ ...target, source: config.from, type: config.type, append: config.append }))

export const feedSyntheticCommand = (config: Config<'feed synthetic'>, io: CommandIo): Promise<number> =>
  feed(config, io, (target) => {
    const { topic, messages, symbols, seed, partitions, codec, append } = config
    return feedSynthetic({ ...target, topic, messages, symbols, seed, partitions, codec, append })
  })

type Target = FeedSchemas &
  FeedPlace & {
    readonly signal: AbortSignal
    readonly onProgress: (done: number, total: number) => void
  }

/** A terminal is redrawn at most this often. */
const PROGRESS_MS = 100

/** Exit code 0 where the feed is complete, 1 where a signal stopped it. */
async function feed(
  config: Config<'feed csv'> | Config<'feed synthetic'>,
  io: CommandIo,
  run: (target: Target) => Promise<FeedResult>,
): Promise<number> {
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal)
  const progress = openProgressLine(io.err)
  let shownMs = 0
  try {
    const result = await run({
      ...placeOf(config),
      schemas: await openFileRegistry(config.schemas),
      register: registerWith(config, stop.signal),
      signal: stop.signal,
      onProgress: (done, total) => {
        const now = performance.now()
        if (now - shownMs < PROGRESS_MS) return
        shownMs = now
        progress.showText(`${formatNumber(done)} of ${formatNumber(total)} messages`)
      },
    })
    progress.clear()
    io.out.write(config.json ? jsonLine(result) : renderResult(result))
    return result.outcome === 'stopped' ? 1 : 0
  } finally {
    progress.clear()
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
  }
}

function placeOf(config: Config<'feed csv'> | Config<'feed synthetic'>): FeedPlace {
  const { to, brokers } = config
  if (to !== null) return { directory: to }
  if (brokers === null) throw new Error('the options let through a feed without a place')
  return { connection: { ...config, brokers } }
}

/** Kept on disk is nothing: a feed asks once. */
function registerWith(
  { registry, registryAuth }: Config<'feed csv'> | Config<'feed synthetic'>,
  stop: AbortSignal,
): FeedSchemas['register'] {
  if (registry === null) return undefined
  const servers = openServers({ registry, registryAuth, registryCache: null }, { notice: () => {}, stop })
  return (topic, json) => servers.register(topic, json)
}

function renderResult(result: FeedResult): string {
  const { topic, partitions, directory, messages, messagesFound, bytes } = result
  const place = `${topic} ${result.place === 'brokers' ? 'at' : 'in'} ${directory} (${formatNumber(partitions)} partitions)`
  switch (result.outcome) {
    case 'unchanged':
      return `unchanged: ${place} holds the ${formatNumber(messages)} messages of this feed already\n`
    case 'stopped':
      return `stopped: ${formatNumber(messages)} messages are in ${place}; ${goingOn(result)}\n`
    case 'written': {
      const found = messagesFound === 0 ? '' : `, ${formatNumber(messagesFound)} of them found there`
      return `written: ${formatNumber(messages)} messages to ${place}, ${formatNumber(bytes)} bytes${found}\n`
    }
  }
}

const goingOn = ({ place }: FeedResult): string =>
  place === 'directory' ? 'the same command goes on there' : 'delete the topic before it is fed again'
