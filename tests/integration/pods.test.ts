// Several `k2 run` of one group beside each other, with a producer that never rests: who dies is taken over, who is left goes on.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { Pods, podLine, produceUntil, proveAll } from '../support/pods.ts'

const SESSION_MS = 10_000
let server: KafkaServer
let cluster: KafkaCluster

beforeAll(async () => {
  server = await KafkaServer.start()
  cluster = new KafkaCluster(server.brokers)
}, 120_000)
afterAll(async () => {
  await cluster.close()
  await server.remove()
})

const limits = ['--commit-interval', '300ms', '--chunk-rows', '500', '--session-timeout', `${SESSION_MS}ms`]

test('while the group waits for a member that died, the others go on with what they had', async () => {
  const line = await podLine(server, cluster, 4)
  const stop = new AbortController()
  const producing = produceUntil(line, 1_000, stop.signal)
  const pods = new Pods([...line.words, ...limits])
  const [survivor] = [pods.start(0), pods.start(1)]
  await Promise.all(pods.places.map((place) => pods.at(place).wrote('Iceberg transaction committed', 2)))
  await pods.end(1, 'SIGKILL')
  // As where a pod that died is started again at once: its successor asks to join before anybody knows of the death.
  const successor = pods.start(2)
  await sleep(SESSION_MS / 2)
  const before = survivor.commits()
  await successor.wrote('route opened')
  expect(survivor.commits() - before).toBeGreaterThan(1)
  await successor.wrote('Iceberg transaction committed')
  stop.abort()
  const produced = await producing
  await pods.endAll()
  await proveAll(line, produced)
}, 120_000)
