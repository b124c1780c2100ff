// Shares partitions among the members of a group, each by its own subscription. Main thread, in whichever member the group made its
// leader. kafkajs's assigners give every topic of the leader to every member; K2's routes are members with topics of their own.
// Invariant: a partition goes to one member that asked for its topic; members of a topic differ by at most one partition of it.
import { AssignerProtocol, type PartitionAssigner } from 'kafkajs'
import { IngestError } from '../../shared/errors.ts'
import { type GroupHooks, tieHooks } from './group-hooks.ts'
import { type Cluster, final } from './internals.ts'

const NAME = 'k2-by-subscription'
const VERSION = 0

interface Member {
  readonly memberId: string
  readonly topics: readonly string[]
}

/** Per member, topic → partitions; partitions of one topic are dealt out, beginning with who has least so far. */
export function sharePartitions(
  members: readonly Member[],
  partitionsOf: (topic: string) => readonly number[],
): Map<string, Record<string, number[]>> {
  const shares = new Map(members.map(({ memberId }) => [memberId, {} as Record<string, number[]>]))
  const counts = new Map(members.map(({ memberId }) => [memberId, 0]))
  const topics = [...new Set(members.flatMap((member) => member.topics))].sort()
  for (const topic of topics) {
    const takers = members.filter((member) => member.topics.includes(topic)).map((member) => member.memberId)
    const order = takers.sort((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0) || (a < b ? -1 : 1))
    for (const [index, partition] of [...partitionsOf(topic)].sort((a, b) => a - b).entries()) {
      const taker = order[index % order.length]
      if (taker === undefined) continue
      const share = shares.get(taker) ?? {}
      share[topic] = [...(share[topic] ?? []), partition]
      shares.set(taker, share)
      counts.set(taker, (counts.get(taker) ?? 0) + 1)
    }
  }
  return shares
}

/** The assigner of one consumer, tied to its hooks. */
export const assignerWith = (hooks: GroupHooks): PartitionAssigner => {
  return ({ cluster }) => {
    const assigner = {
      name: NAME,
      version: VERSION,
      assign: ({ members }: { members: readonly { memberId: string; memberMetadata: Buffer }[] }) =>
        // kafkajs types its cluster as an empty interface.
        assign(cluster as unknown as Cluster, members),
      protocol: ({ topics }: { topics: string[] }) => {
        // Asked for by each join, also by those that kafkajs tries again by itself.
        if (hooks.isLeaving()) throw final(new IngestError('BROKER_UNREACHABLE', { reason: 'leaving the group' }))
        const metadata = AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.alloc(0) })
        return { name: NAME, metadata }
      },
    }
    tieHooks(assigner, hooks)
    return assigner
  }
}

async function assign(
  cluster: Cluster,
  group: readonly { memberId: string; memberMetadata: Buffer }[],
): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
  const members = group.map(({ memberId, memberMetadata }) => ({
    memberId,
    topics: AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics ?? [],
  }))
  await cluster.addMultipleTargetTopics([...new Set(members.flatMap((member) => member.topics))])
  const shares = sharePartitions(members, (topic) =>
    cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
  )
  return [...shares].map(([memberId, assignment]) => ({
    memberId,
    memberAssignment: AssignerProtocol.MemberAssignment.encode({
      version: VERSION,
      assignment,
      userData: Buffer.alloc(0),
    }),
  }))
}
