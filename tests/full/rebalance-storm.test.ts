// A member of a group leaves every three seconds and another joins, while a producer runs: the table keeps growing, and nothing is
// missing or double afterwards. Once all leave as they are asked to, and new ones follow; once half of them die by kill -9, and each is
// started again under its own name, as a set of named pods is.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createRandom, type Random } from '../simulation/random.ts'
import { KafkaCluster } from '../support/kafka-cluster.ts'
import { KafkaServer } from '../support/kafka-server.ts'
import { longestPause, Pods, podLine, produceUntil, proveAll } from '../support/pods.ts'

const STORM_MS = 120_000
const EVENT_MS = 3_000
const PAUSE_MS_MAX = 10_000
const LIMITS = ['--session-timeout', '6s', '--commit-interval', '500ms', '--chunk-rows', '500']

interface Weather {
  /** Words of the process in a place. */
  readonly words: (place: number) => readonly string[]
  /** One leaves and is followed. Resolves to how, when it has ended. */
  readonly change: (pods: Pods, random: Random) => Promise<'SIGTERM' | 'SIGKILL'>
}

test('members leave and join every three seconds for two minutes: rows come all the time, each once', async () => {
  let place = 3
  const change: Weather['change'] = async (pods, random) => {
    const ended = pods.end(random.pick(pods.places), 'SIGTERM')
    pods.start(place++)
    await ended
    return 'SIGTERM'
  }
  await storm({ words: () => [], change })
}, 300_000)

test('members with names are killed or stopped, and started again: rows come all the time, each once', async () => {
  const words = (place: number): string[] => ['--instance-id', `pod-${place}`]
  const change: Weather['change'] = async (pods, random) => {
    const place = random.pick(pods.places)
    const signal = random.chance(50) ? 'SIGKILL' : 'SIGTERM'
    await pods.end(place, signal)
    pods.start(place, words(place))
    return signal
  }
  await storm({ words, change })
}, 300_000)

/** Two minutes of changes, then the proof. */
async function storm({ words, change }: Weather): Promise<void> {
  const seed = Number(process.env['K2_KILL_SEED'] ?? Date.now() % 1_000_000)
  console.log(`storm seed ${seed} (again with K2_KILL_SEED=${seed})`)
  const random = createRandom(seed)
  const server = await KafkaServer.start()
  const cluster = new KafkaCluster(server.brokers)
  try {
    const line = await podLine(server, cluster, 8)
    const [calm, stop] = [new AbortController(), new AbortController()]
    const producing = produceUntil(line, 2_000, stop.signal)
    const pods = new Pods([...line.words, ...LIMITS])
    await Promise.all([0, 1, 2].map((place) => pods.start(place, words(place)).wrote('Iceberg transaction committed')))
    const pause = longestPause(line, calm.signal)
    const changes: ReturnType<Weather['change']>[] = []
    for (const endMs = performance.now() + STORM_MS; performance.now() < endMs; ) {
      await sleep(EVENT_MS)
      changes.push(change(pods, random))
    }
    calm.abort()
    const pauseMs = await pause
    stop.abort()
    const produced = await producing
    const signals = await Promise.all(changes)
    await pods.endAll()
    const kills = signals.filter((signal) => signal === 'SIGKILL').length
    console.log(
      `storm: ${signals.length} left and were followed, ${kills} of them by kill -9; longest pause ${Math.round(pauseMs)} ms; ${produced} rows`,
    )
    await proveAll(line, produced)
    expect(pauseMs).toBeLessThan(PAUSE_MS_MAX)
  } finally {
    await cluster.close()
    await server.remove()
  }
}
