// Static membership (KIP-345), which kafkajs can encode and does not offer: a name that a member keeps when it is started again, so that
// the group gives it its old partitions at once and moves nothing. Main thread.
// Invariant: of two processes with one name the newer is the member; the older is told so by its next heartbeat, and ends.
import type { Cluster, Coordinator } from './internals.ts'

/** API keys of JoinGroup, Heartbeat and SyncGroup, which carry the name in the versions of every broker that K2 reads from. */
const NAMED: ReadonlySet<number> = new Set([11, 12, 14])
/** As topic names (Kafka, `Topic.validate`). */
const NAME_LENGTH_MAX = 249

/** `name` as a member's in the line of `route`: each route of a process is a member of its own. */
export const instanceIdOf = (name: string, route: string): string =>
  `${name}.${route}`.replace(/[^\w.-]/g, '_').slice(0, NAME_LENGTH_MAX)

/** Gives the joins, syncs and heartbeats of this consumer's cluster the name. */
export function nameMember(cluster: Cluster, instanceId: string): void {
  const find = cluster.findGroupCoordinator
  cluster.findGroupCoordinator = async (group) => named(await find.call(cluster, group), instanceId)
}

function named(coordinator: Coordinator, groupInstanceId: string): Coordinator {
  const own = Object.create(coordinator) as Coordinator
  own.lookupRequest = (apiKey, versions) => {
    const request = coordinator.lookupRequest(apiKey, versions)
    return NAMED.has(apiKey) ? (fields) => request({ ...fields, groupInstanceId }) : request
  }
  return own
}
