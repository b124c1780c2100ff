import { expect, test } from 'vitest'
import type { Cluster, Coordinator } from '../../../src/main/kafka/internals.ts'
import { instanceIdOf, nameMember } from '../../../src/main/kafka/static-member.ts'

test('joins, syncs and heartbeats carry the name, other requests do not', async () => {
  const coordinator = { lookupRequest: (apiKey: number) => (fields: object) => ({ apiKey, ...fields }) }
  const cluster = { findGroupCoordinator: async () => coordinator } as unknown as Cluster
  nameMember(cluster, 'pod-0.market_data.trades_v2')
  const named: Coordinator = await cluster.findGroupCoordinator({ groupId: 'g' })
  const sent = [11, 12, 13, 14, 8].map((apiKey) => named.lookupRequest(apiKey, {})({ groupId: 'g' }))
  expect(sent.map((each) => Reflect.get(each, 'groupInstanceId') ?? null)).toEqual([
    'pod-0.market_data.trades_v2',
    'pod-0.market_data.trades_v2',
    null,
    'pod-0.market_data.trades_v2',
    null,
  ])
})

test('each route of a process is a member with a name of its own, in letters that Kafka takes', () => {
  expect(instanceIdOf('pod-0', 'market_data.trades_v2')).toBe('pod-0.market_data.trades_v2')
  expect(instanceIdOf('pod 0/a', 'größe.t')).toBe('pod_0_a.gr__e.t')
  expect(instanceIdOf('p'.repeat(300), 't')).toHaveLength(249)
})
