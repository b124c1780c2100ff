// Three makes of producer behind one interface: Kafka's Java client, librdkafka and kafkajs. The first two live in a child process
// each, driven by lines. Invariant: commands of a make are carried out in order; one send is one record batch, whatever its size.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { CompressionCodecs, CompressionTypes, Kafka, logLevel, type Producer, type Transaction } from 'kafkajs'
import { compressBody, type WriterCodec } from '../../../src/shared/kafka/compression.ts'
import { pythonWithReaders } from '../python-venv.ts'

export const makes = ['java', 'librdkafka', 'kafkajs'] as const
export type Make = (typeof makes)[number]
/** What every make writes; `snappy` of Java is xerial-framed, that of librdkafka is not, that of kafkajs is its plug-in's. */
export type MadeCodec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface MadeRecord {
  /** Base64, as all bytes here; null: null. */
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
  readonly timestamp: number
}

export interface ProducerOptions {
  readonly codec: MadeCodec
  readonly transactionalId: string | null
  readonly idempotent: boolean
}

/** A producer of any make. `send` resolves once the records are acknowledged, as one batch; an end, once its markers are written. */
export interface MadeProducer {
  begin(): Promise<void>
  send(topic: string, partition: number, records: readonly MadeRecord[]): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
}

export class Producers {
  readonly #brokers: string
  readonly #jars: string
  #count = 0
  readonly #drivers = new Map<'java' | 'librdkafka', Driver>()
  readonly #kafka: Kafka
  readonly #connected: Producer[] = []

  constructor(brokers: string, jars: string) {
    this.#brokers = brokers
    this.#jars = jars
    registerCodecs()
    const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 30 }
    this.#kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry })
  }

  async open(make: Make, options: Partial<ProducerOptions> = {}): Promise<MadeProducer> {
    const { codec = 'none', transactionalId = null, idempotent = transactionalId !== null } = options
    const producer = await this.#open(make, { codec, transactionalId, idempotent })
    const settle = async (): Promise<void> =>
      (await this.#driver('java')).tell({ op: 'settle', id: '', transactionalId })
    return {
      begin: () => producer.begin(),
      send: (topic, partition, records) => producer.send(topic, partition, records),
      commit: () => producer.commit().then(settle),
      abort: () => producer.abort().then(settle),
    }
  }

  async #open(make: Make, full: ProducerOptions): Promise<MadeProducer> {
    if (make === 'kafkajs') return this.#openKafkajs(full)
    const driver = await this.#driver(make)
    const id = String(this.#count++)
    const tell = (op: string, rest = {}): Promise<void> => driver.tell({ op, id, ...rest })
    await tell('open', full)
    return {
      begin: () => tell('begin'),
      send: (topic, partition, records) => tell('send', { topic, partition, records }),
      commit: () => tell('commit'),
      abort: () => tell('abort'),
    }
  }

  /** Nothing is aborted by this: what is open stays open on the broker. */
  async close(): Promise<void> {
    for (const driver of this.#drivers.values()) await driver.end()
    for (const producer of this.#connected) await producer.disconnect()
  }

  async #driver(make: 'java' | 'librdkafka'): Promise<Driver> {
    const known = this.#drivers.get(make)
    if (known !== undefined) return known
    const [program, words] = await this.#program(make)
    const driver = new Driver(program, [...words, this.#brokers])
    this.#drivers.set(make, driver)
    return driver
  }

  async #program(make: 'java' | 'librdkafka'): Promise<[string, string[]]> {
    if (make === 'librdkafka')
      return [await pythonWithReaders(), [fileURLToPath(new URL('produce.py', import.meta.url))]]
    const source = fileURLToPath(new URL('Produce.java', import.meta.url))
    return ['java', ['-Xmx256m', '-Dlog4j2.level=OFF', '-cp', join(this.#jars, '*'), source]]
  }

  async #openKafkajs({ codec, transactionalId, idempotent }: ProducerOptions): Promise<MadeProducer> {
    const producer = this.#kafka.producer({
      idempotent,
      maxInFlightRequests: 1,
      ...(transactionalId === null ? {} : { transactionalId, transactionTimeout: 900_000 }),
    })
    await producer.connect()
    this.#connected.push(producer)
    let transaction: Transaction | null = null
    const ended = (): Transaction => {
      if (transaction === null) throw new Error('no transaction')
      const one = transaction
      transaction = null
      return one
    }
    return {
      begin: async () => {
        transaction = await producer.transaction()
      },
      send: async (topic, partition, records) => {
        const messages = records.map((record) => kafkajsMessage(record, partition))
        await (transaction ?? producer).send({ topic, acks: -1, compression: compressionTypes[codec], messages })
      },
      commit: () => ended().commit(),
      abort: () => ended().abort(),
    }
  }
}

const compressionTypes: Readonly<Record<MadeCodec, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

/** kafkajs brings gzip alone. */
function registerCodecs(): void {
  const codec = (name: WriterCodec) => () => ({
    compress: async ({ buffer }: { buffer: Buffer }) => Buffer.from(compressBody(name, buffer)),
    decompress: async () => Promise.reject(new Error('these producers read nothing')),
  })
  CompressionCodecs[CompressionTypes.Snappy] = codec('snappy')
  CompressionCodecs[CompressionTypes.LZ4] = codec('lz4')
  CompressionCodecs[CompressionTypes.ZSTD] = codec('zstd')
}

function kafkajsMessage({ key, value, headers, timestamp }: MadeRecord, partition: number) {
  const named: Record<string, Buffer[]> = {}
  // It takes headers by name; a header without a value is an empty one to it.
  for (const [name, bytes] of headers) named[name] = [...(named[name] ?? []), Buffer.from(bytes ?? '', 'base64')]
  return { partition, key: bytesOf(key), value: bytesOf(value), headers: named, timestamp: String(timestamp) }
}

const bytesOf = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'base64'))

/** A child process that answers each line with a line. */
class Driver {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = []

  constructor(program: string, words: readonly string[]) {
    this.#child = spawn(program, words, { stdio: ['pipe', 'pipe', 'ignore'] })
    createInterface(this.#child.stdout).on('line', (line) => {
      const next = this.#waiting.shift()
      if (line === 'ok') next?.resolve()
      else next?.reject(new Error(`${program}: ${line}`))
    })
    this.#child.once('error', (error) => this.#fail(error))
    this.#child.once('close', (code) => this.#fail(new Error(`${program} ended with ${code}`)))
    // What it says of a broken pipe is told by its end.
    this.#child.stdin.on('error', () => undefined)
  }

  tell(command: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#child.stdin.write(`${JSON.stringify(command)}\n`)
    })
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve))
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.stdin.end()
    await ended
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
