// Members of a group join and leave every three seconds, half of them by kill -9, while a producer runs: the table keeps growing, and
// nothing is missing or double afterwards.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createRandom } from '../simulation/random.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { longestPause, Pods, podLine, produceUntil, proveAll } from '../support/pods.ts'

const STORM_MS = 120_000
const EVENT_MS = 3_000
const PAUSE_MS_MAX = 10_000

test('members join and leave every three seconds for two minutes: rows come all the time, each once', async () => {
  const seed = Number(process.env['K2_KILL_SEED'] ?? Date.now() % 1_000_000)
  console.log(`storm seed ${seed} (again with K2_KILL_SEED=${seed})`)
  const random = createRandom(seed)
  const server = await KafkaServer.start()
  const cluster = new KafkaCluster(server.brokers)
  try {
    const line = await podLine(server, cluster, 8)
    const [calm, stop] = [new AbortController(), new AbortController()]
    const producing = produceUntil(line, 2_000, stop.signal)
    const limits = ['--session-timeout', '6s', '--commit-interval', '500ms', '--chunk-rows', '500']
    const pods = new Pods([...line.words, ...limits])
    await Promise.all([0, 1, 2].map((place) => pods.start(place).wrote('Iceberg transaction committed')))
    const pause = longestPause(line, calm.signal)
    const leaves: Promise<unknown>[] = []
    let kills = 0
    for (let place = 3, endMs = performance.now() + STORM_MS; performance.now() < endMs; ) {
      await sleep(EVENT_MS)
      // One of three leaves, and its successor joins at once, as where pods are kept at a number.
      const leaver = random.pick(pods.places)
      const signal = random.chance(50) ? 'SIGKILL' : 'SIGTERM'
      leaves.push(pods.end(leaver, signal))
      kills += signal === 'SIGKILL' ? 1 : 0
      pods.start(place++)
    }
    calm.abort()
    const pauseMs = await pause
    stop.abort()
    const produced = await producing
    await pods.endAll()
    await Promise.all(leaves)
    console.log(
      `storm: ${leaves.length} left and were followed, ${kills} of them by kill -9; longest pause ${Math.round(pauseMs)} ms; ${produced} rows`,
    )
    await proveAll(line, produced)
    expect(pauseMs).toBeLessThan(PAUSE_MS_MAX)
  } finally {
    await cluster.close()
    await server.remove()
  }
}, 300_000)
