// The proof is tests/support/pod-kills.ts, in this size.
import { expect, test } from 'vitest'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { provePodKills } from '../support/pod-kills.ts'
import { podLine } from '../support/pods.ts'

test('thirty kills and ten stops among three pods on eight partitions, under load, cost nothing', async () => {
  const server = await KafkaServer.start()
  const cluster = new KafkaCluster(server.brokers)
  try {
    const line = await podLine(server, cluster, 8)
    const done = await provePodKills(line, { pods: 3, kills: 30, stops: 10, perSecond: 2_000, gapMsMax: 5_000 })
    console.log(done)
    expect(done).toContain('30 kills')
  } finally {
    await cluster.close()
    await server.remove()
  }
}, 900_000)
