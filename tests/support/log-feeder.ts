// Feeds a log directory in rounds while it is read: what a test of a live run reads from.
import { setTimeout as sleep } from 'node:timers/promises'
import { feedSynthetic } from '../../src/main/feed/synthetic.ts'
import { openFileRegistry } from '../../src/shared/avro/schema-registry.ts'
import { schemas } from './bad-records.ts'

export class LogFeeder {
  readonly #directory: string
  readonly #partitions: number
  #fed = 0
  #rounds = 0
  #stop: AbortController | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(directory: string, partitions = 2) {
    this.#directory = directory
    this.#partitions = partitions
  }

  /** Messages in the log. */
  get fed(): number {
    return this.#fed
  }

  async feed(messages: number): Promise<void> {
    const registry = await openFileRegistry(schemas)
    const counts = { messages, seed: this.#rounds + 1, symbols: 40, partitions: this.#partitions, batchRecords: 100 }
    await feedSynthetic({ directory: this.#directory, schemas: registry, append: this.#rounds > 0, ...counts })
    this.#rounds++
    this.#fed += messages
  }

  /** Rounds of so many messages, until it is stopped. */
  start(messages: number, everyMs: number): void {
    const stop = new AbortController()
    this.#stop = stop
    this.#running = (async () => {
      while (!stop.signal.aborted) {
        await this.feed(messages)
        await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => undefined)
      }
    })()
    this.#running.catch(() => undefined)
  }

  /** Errors: those of the feed. */
  async stop(): Promise<void> {
    this.#stop?.abort()
    await this.#running
  }
}
