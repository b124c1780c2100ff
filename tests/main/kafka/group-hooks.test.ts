import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type GroupHooks, installHooks, isJoining, tieHooks } from '../../../src/main/kafka/group-hooks.ts'
import { type ConsumerGroup, consumerGroupPrototype, type GroupBatch } from '../../../src/main/kafka/internals.ts'

/** What kafkajs's own functions do in these tests: a join that ends when told to, a fetch of one batch a millisecond. */
let joined: () => void = () => undefined
const own: Pick<ConsumerGroup, 'joinAndSync' | 'fetch'> = {
  joinAndSync: () => new Promise((resolve) => (joined = resolve)),
  fetch: async () => {
    await sleep(1)
    return [batch(['x']), batch([])]
  },
}
const batch = (messages: readonly object[] | readonly string[]): GroupBatch => ({
  topic: 't',
  partition: 0,
  fetchedOffset: '0',
  messages: messages.map(() => ({})),
  lastOffset: () => '9',
})
Object.assign(consumerGroupPrototype, own)
installHooks()

interface Told {
  readonly group: ConsumerGroup & { memberId: string | null }
  readonly events: string[]
}

/** A membership, and what its owner is told, in order; a name only once in a row. */
function membership(): Told {
  const events: string[] = []
  const tell = (event: string): void => void (events.at(-1) === event || events.push(event))
  const hooks: GroupHooks = {
    instanceId: null,
    revoked: () => tell('revoked'),
    assigned: () => tell('assigned'),
    readable: async () => true,
    handed: async ({ messages }) => tell(messages.length > 0 ? 'handed' : 'handed nothing'),
    fetched: () => undefined,
    isLeaving: () => false,
    failed: () => undefined,
  }
  const assigner = {}
  tieHooks(assigner, hooks)
  const group = Object.assign(Object.create(consumerGroupPrototype), {
    assigners: [assigner],
    cluster: { brokerPool: { metadataExpireAt: null } },
    memberId: null,
    rebalanceTimeout: 60_000,
    offsetManager: {},
    getNodeIds: () => [1],
    resolveOffset: ({ offset }: { offset: string }) => tell(`resolved ${offset}`),
  })
  return { group, events }
}

async function join({ group }: Told, whileWaiting: () => Promise<void>): Promise<void> {
  const joining = group.joinAndSync()
  await whileWaiting()
  joined()
  await joining
}

async function joinedOnce(): Promise<Told> {
  const told = membership()
  await join(told, async () => undefined)
  told.group.memberId = 'm'
  expect(told.events).toEqual(['revoked', 'assigned'])
  told.events.length = 0
  return told
}

describe('a join', () => {
  test('that a member waits for leaves it reading, in order, until it is given something new', async () => {
    const told = await joinedOnce()
    await join(told, async () => {
      await expect.poll(() => told.events.length).toBeGreaterThan(4)
      expect(isJoining(told.group)).toBe(true)
    })
    expect(told.events.slice(0, 4)).toEqual(['handed', 'resolved 9', 'handed', 'resolved 9'])
    expect(told.events.slice(-2)).toEqual(['revoked', 'assigned'])
    expect(isJoining(told.group)).toBe(false)
    const count = told.events.length
    await sleep(20)
    expect(told.events.length).toBe(count)
  })
  test('of one that was evicted takes everything away at once', async () => {
    const told = await joinedOnce()
    told.group.memberId = null
    await join(told, async () => {
      await sleep(20)
      expect(told.events).toEqual(['revoked'])
    })
    expect(told.events).toEqual(['revoked', 'assigned'])
  })
  test('that is answered with an eviction takes everything away before it is over', async () => {
    const told = await joinedOnce()
    await join(told, async () => {
      await expect.poll(() => told.events).toContain('handed')
      told.group.memberId = null
      await expect.poll(() => told.events.at(-1)).toBe('revoked')
    })
    expect(told.events.slice(-2)).toEqual(['revoked', 'assigned'])
  })
  test('whose new offsets are set already takes none of the old assignment', async () => {
    const told = await joinedOnce()
    await join(told, async () => {
      Object.assign(told.group, { offsetManager: {} })
      await sleep(20)
    })
    expect(told.events.filter((event) => event.startsWith('resolved'))).toEqual([])
  })
})
