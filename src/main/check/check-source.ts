// Probes of the source: brokers, topics, rights, group; or a log directory. Main thread. Invariant: the group is described and never
// joined, so that no member of it is disturbed; nothing is written.
import type { Config } from '../../shared/config.ts'
import { IngestError } from '../../shared/errors.ts'
import type { SourcePartition } from '../ingest/record-source.ts'
import { brokerError, type KafkaConnection, openKafka } from '../kafka/connection.ts'
import { lookAtSource } from '../source-look.ts'
import { brokerSource } from '../verify/broker-source.ts'
import { type Check, failed, okay, type Probed, probe, unknown } from './check.ts'

/** A right is asked for once; what takes longer is a problem of its own. */
const ANSWER_MS_MAX = 10_000

export interface SourceProbe {
  readonly checks: readonly Check[]
  /** Null where the topics could not be looked at. */
  readonly partitions: readonly SourcePartition[] | null
}

export async function probeSource(config: Config<'run'>): Promise<SourceProbe> {
  const { brokers, start } = config
  const topics = await probe('topics', () => partitionsOf(config), describePartitions)
  const partitions = topics.value
  if (brokers === null) return { checks: [directoryCheck(config, topics)], partitions }
  const connection = { ...config, brokers }
  if (partitions === null) {
    const isAbsent = topics.check.found.startsWith('SOURCE_EMPTY')
    const reached = isAbsent
      ? [okay('brokers', `${brokers.join(', ')} answer`), topics.check]
      : [{ ...topics.check, name: 'brokers' }]
    const rest = isAbsent ? ['read right'] : ['topics', 'read right', 'group']
    const group = isAbsent ? [await groupCheck(connection, config.group)] : []
    return { checks: [...reached, ...rest.map((name) => unknown(name, 'needs the line above')), ...group], partitions }
  }
  const checks = [
    okay('brokers', `${brokers.join(', ')} answer, in the versions that K2 speaks`),
    topics.check,
    startCheck(partitions, start.kind),
    await readCheck(connection, partitions),
    await groupCheck(connection, config.group),
  ]
  return { checks: checks.filter((check) => check !== null), partitions }
}

async function partitionsOf(config: Config<'run'>): Promise<readonly SourcePartition[]> {
  const partitions = await lookAtSource(config, config.topic, config.start)
  return partitions ?? []
}

const directoryCheck = (config: Config<'run'>, topics: Probed<readonly SourcePartition[]>): Check => ({
  ...topics.check,
  name: 'log directory',
  found: topics.value === null ? topics.check.found : `${config.source}: ${topics.check.found}`,
})

function describePartitions(partitions: readonly SourcePartition[]): string {
  const names = [...new Set(partitions.map(({ topicName }) => topicName))]
  const held = partitions.reduce((sum, { logStart, logEnd }) => sum + logEnd - logStart, 0n)
  const listed = names.slice(0, 5).join(', ')
  return `${listed}${names.length > 5 ? `, and ${names.length - 5} more` : ''}: ${partitions.length} partitions, ${held} offsets`
}

/** Offsets of --start outside of the log would stop the first run. */
function startCheck(partitions: readonly SourcePartition[], kind: string): Check | null {
  const outside = partitions.find(({ start, logStart, logEnd }) => start < logStart || start > logEnd)
  if (outside === undefined) return null
  const { topicName, partition, start, logStart, logEnd } = outside
  const found = `offset ${start} of ${topicName}/${partition} lies outside of [${logStart}, ${logEnd}]`
  return failed('start', `${kind}: ${found}`, 'correct --start')
}

/** Fetches from one partition of each topic, as a run would. */
async function readCheck(connection: KafkaConnection, partitions: readonly SourcePartition[]): Promise<Check> {
  const names = new Set(partitions.map(({ topicName }) => topicName))
  const waiting = { msMax: 0, signal: AbortSignal.timeout(ANSWER_MS_MAX), notice: () => undefined }
  const source = brokerSource(connection, waiting)
  const { check } = await probe(
    'read right',
    async () => {
      const logs = await source.partitions((name) => names.has(name))
      const seen = new Set<string>()
      for (const log of logs) {
        if (seen.has(log.topicName)) continue
        seen.add(log.topicName)
        for await (const _ of log.batches(log.logStart)) break
      }
      return seen.size
    },
    (count) => `${count} topics were read from`,
  )
  await source.close()
  return check
}

/** The right to describe the group; that to join it shows only in a run. */
async function groupCheck(connection: KafkaConnection, group: string): Promise<Check> {
  const admin = openKafka(connection, { text: '' }).admin()
  const { check } = await probe(
    'group',
    async () => {
      try {
        await admin.connect()
        const [found] = (await admin.describeGroups([group])).groups
        if (found === undefined)
          throw new IngestError('BROKER_REFUSED', { group, reason: 'the group is not described' })
        return found
      } catch (error) {
        throw brokerError(error, { brokers: connection.brokers.join(), group })
      }
    },
    ({ state, members }) =>
      `${group}: ${members.length} members, ${state.toLowerCase()}; may be described (whether it may be joined shows only in a run)`,
  )
  await admin.disconnect().catch(() => undefined)
  return check
}
