// Five functions of kafkajs, replaced: fetches yield raw record batches; a join tells its owner, and a member goes on reading while
// it waits for one; nothing is fetched before the owner has set positions; an offset out of range is an error and never a reset.
// Main thread. Invariant: a response asked for under an older assignment epoch, or without positions of ours, is never handed on.
import { IngestError } from '../../shared/errors.ts'
import { type ConsumerGroup, consumerGroupPrototype, fetchV11, final, type GroupBatch } from './internals.ts'
import { decodeRawFetch } from './raw-fetch.ts'
import { nameMember } from './static-member.ts'

/** What the owner of a consumer is told. */
export interface GroupHooks {
  /** The name under which the member is known when it is started again; null: it is a new one each time. */
  readonly instanceId: string | null
  /** Everything assigned so far is taken away: when a join succeeded, and at once where the membership was lost. */
  revoked(): void
  /** A join succeeded. */
  assigned(epoch: number, group: ConsumerGroup): void
  /** Resolves within a heartbeat's time, and not at once where it says no: whether positions are set, so that fetching may go on. */
  readable(epoch: number): Promise<boolean>
  /** Takes a response that was fetched while a join is awaited. Errors: those that end the source, which knows them. */
  handed(batch: GroupBatch): Promise<void>
  /** A broker has answered a fetch. */
  fetched(): void
  /** Whether the owner is about to leave: no further join is begun. */
  isLeaving(): boolean
  /** The membership ends with this. */
  failed(error: IngestError): void
}

/** Per membership, beside kafkajs's own fields. */
interface Membership {
  epoch: number
  /** The epoch whose join succeeded. */
  joined: number
  joining: Promise<void> | null
}

/** kafkajs's functions behind the replaced ones. */
interface OwnFunctions {
  readonly joinAndSync: ConsumerGroup['joinAndSync']
  readonly fetch: ConsumerGroup['fetch']
  readonly leave: ConsumerGroup['leave']
  readonly recover: ConsumerGroup['recoverFromOffsetOutOfRange']
}

const hooksOf = new WeakMap<object, GroupHooks>()
const memberships = new WeakMap<ConsumerGroup, Membership>()
/** One counter per process: kafkajs makes a new ConsumerGroup after each crash. */
let epochs = 0
let isInstalled = false

/** Ties hooks to the consumer that is made with this assigner; kafkajs hands an assigner through to each of its memberships. */
export const tieHooks = (assigner: object, hooks: GroupHooks): void => void hooksOf.set(assigner, hooks)

/** Whether a member waits for a join to end: what it asks its coordinator meanwhile waits, too. */
export const isJoining = (group: ConsumerGroup): boolean => (memberships.get(group)?.joining ?? null) !== null

/** Replaces the functions, once per process. Consumers without hooks keep kafkajs's own group functions. */
export function installHooks(): void {
  if (isInstalled) return
  isInstalled = true
  const own: OwnFunctions = {
    joinAndSync: consumerGroupPrototype.joinAndSync,
    fetch: consumerGroupPrototype.fetch,
    leave: consumerGroupPrototype.leave,
    recover: consumerGroupPrototype.recoverFromOffsetOutOfRange,
  }
  fetchV11.decode = async (bytes) => {
    try {
      return await decodeRawFetch(bytes)
    } catch (error) {
      throw error instanceof IngestError ? final(error) : error
    }
  }
  consumerGroupPrototype.joinAndSync = async function (this: ConsumerGroup): Promise<void> {
    const hooks = hooksFor(this)
    if (hooks === null) return own.joinAndSync.call(this)
    const membership = membershipOf(this, hooks)
    // Single flight: with several brokers two fetchers may ask at once.
    membership.joining ??= join(this, membership, hooks, own).finally(() => {
      membership.joining = null
    })
    return membership.joining
  }
  consumerGroupPrototype.fetch = async function (this: ConsumerGroup, nodeId: number) {
    const hooks = hooksFor(this)
    return hooks === null ? own.fetch.call(this, nodeId) : fetchGuarded(this, nodeId, hooks, own.fetch)
  }
  consumerGroupPrototype.leave = async function (this: ConsumerGroup): Promise<void> {
    // Its successor of the same name is waited for, as of any client with a name, until the session ends.
    if ((hooksFor(this)?.instanceId ?? null) === null) return own.leave.call(this)
    this.memberId = null
  }
  consumerGroupPrototype.recoverFromOffsetOutOfRange = async function (this: ConsumerGroup, error) {
    const hooks = hooksFor(this)
    if (hooks === null) return own.recover.call(this, error)
    const { topic, partition } = error
    const position = this.offsetManager.nextOffset(topic, partition).toString()
    const failure = final(new IngestError('POSITION_OUT_OF_RANGE', { topic, partition, position }))
    hooks.failed(failure)
    throw failure
  }
}

async function join(group: ConsumerGroup, membership: Membership, hooks: GroupHooks, own: OwnFunctions): Promise<void> {
  const { epoch } = membership
  const over = new AbortController()
  const isMember = group.memberId !== null && membership.joined === epoch && epoch > 0
  if (isMember) void readOn(group, membership, hooks, own, over.signal)
  else hooks.revoked()
  try {
    await own.joinAndSync.call(group)
  } finally {
    over.abort()
    // From here on every response that was asked for earlier is stale.
    membership.epoch = ++epochs
    hooks.revoked()
  }
  membership.joined = membership.epoch
  hooks.assigned(membership.epoch, group)
}

/**
 * Reads what was assigned before for as long as a join is awaited: the group waits for members that died, up to their session timeout,
 * and gives nothing to anybody before that. Fetches have a connection of their own, which the waiting join does not hold up.
 */
async function readOn(
  group: ConsumerGroup,
  membership: Membership,
  hooks: GroupHooks,
  own: OwnFunctions,
  over: AbortSignal,
): Promise<void> {
  const { memberId, offsetManager, cluster } = group
  const { epoch } = membership
  const untilMs = performance.now() + group.rebalanceTimeout
  const isLost = (): boolean => group.memberId !== memberId || performance.now() > untilMs
  const fetchFrom = async (nodeId: number): Promise<void> => {
    while (!over.aborted && !isLost()) {
      if (!(await hooks.readable(epoch))) continue
      // Metadata is asked for behind the join, on its connection: a fetch would wait for both.
      if (cluster.brokerPool.metadataExpireAt !== null) cluster.brokerPool.metadataExpireAt = Date.now() + METADATA_MS
      const batches = await own.fetch.call(group, nodeId)
      if (batches.length > 0) hooks.fetched()
      for (const batch of batches) {
        // A join that is just over has set new offsets already.
        if (over.aborted || isLost() || group.offsetManager !== offsetManager) return
        // Nothing new in this partition.
        if (batch.messages.length === 0) continue
        batch.k2Epoch = epoch
        await hooks.handed(batch)
        if (group.offsetManager !== offsetManager) return
        group.resolveOffset({ topic: batch.topic, partition: batch.partition, offset: batch.lastOffset() })
      }
    }
  }
  // Trouble ends the reading on, and nothing else: it shows again in the fetches after the join.
  await Promise.all(group.getNodeIds().map(fetchFrom)).catch(() => undefined)
  if (!over.aborted && isLost()) hooks.revoked()
}
const METADATA_MS = 5_000

async function fetchGuarded(
  group: ConsumerGroup,
  nodeId: number,
  hooks: GroupHooks,
  own: ConsumerGroup['fetch'],
): Promise<ReturnType<ConsumerGroup['fetch']> extends Promise<infer B> ? B : never> {
  const membership = membershipOf(group, hooks)
  const { epoch } = membership
  if (membership.joined !== epoch) {
    // kafkajs retries a failed join by fetching.
    await group.joinAndSync()
    return []
  }
  // An empty answer makes kafkajs send a heartbeat, so a table may take its time to be opened.
  if (!(await hooks.readable(epoch))) return []
  const batches = await own.call(group, nodeId)
  if (epoch !== membership.epoch) return []
  if (batches.length > 0) hooks.fetched()
  for (const batch of batches) batch.k2Epoch = epoch
  return batches
}

function membershipOf(group: ConsumerGroup, { instanceId }: GroupHooks): Membership {
  const held = memberships.get(group)
  if (held !== undefined) return held
  if (instanceId !== null) nameMember(group.cluster, instanceId)
  const membership = { epoch: 0, joined: 0, joining: null }
  memberships.set(group, membership)
  return membership
}

function hooksFor(group: ConsumerGroup): GroupHooks | null {
  for (const assigner of group.assigners) {
    const hooks = hooksOf.get(assigner)
    if (hooks !== undefined) return hooks
  }
  return null
}
