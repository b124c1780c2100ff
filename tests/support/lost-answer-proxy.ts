// Stands between a client and a broker, whose address it replaces by its own, and loses the answer to one Produce request: the broker
// has the batch, the producer does not know. What a real broker does when it dies between its append and its answer, at a chosen request.
import { once } from 'node:events'
import { createServer, connect as open, type Server, type Socket } from 'node:net'

const PRODUCE = 0

export class LostAnswerProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #lost: (() => Promise<void>)[] = []
  #produces = 0

  private constructor(broker: number, loseAt: number, whenLost: () => Promise<void>) {
    this.#lost.push(whenLost)
    this.#server = createServer((client) => {
      const upstream = open(broker, '127.0.0.1')
      let loses = false
      const frames = new FrameKeys((apiKey) => {
        if (apiKey === PRODUCE && ++this.#produces === loseAt) loses = true
      })
      const close = (): void => {
        client.destroy()
        upstream.destroy()
      }
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket)
        socket.on('error', close)
        socket.on('close', () => {
          this.#sockets.delete(socket)
          close()
        })
      }
      client.on('data', (bytes) => {
        frames.push(bytes)
        upstream.write(bytes)
      })
      upstream.on('data', (bytes) => {
        if (loses) void this.#lost.pop()?.().finally(close)
        else client.write(renamed(bytes, address(broker), address(this.#port)))
      })
    })
  }

  /** Before the broker at that port; `whenLost` runs once, when the answer to the Produce request number `loseAt` is there. */
  static async start(broker: number, loseAt: number, whenLost: () => Promise<void>): Promise<LostAnswerProxy> {
    const proxy = new LostAnswerProxy(broker, loseAt, whenLost)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get brokers(): string {
    return `127.0.0.1:${this.#port}`
  }

  get #port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen')
    return address.port
  }

  get hasLost(): boolean {
    return this.#lost.length === 0
  }

  stop(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Host and port as Metadata tells them; both addresses are as long as each other. */
function address(port: number): Buffer {
  const bytes = Buffer.from('127.0.0.1....')
  bytes.writeInt32BE(port, 9)
  return bytes
}

function renamed(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) to.copy(bytes, at)
  return bytes
}

/** The api keys of the requests in a stream: length int32, api key int16, rest (Kafka protocol guide, "Protocol Primitives"). */
class FrameKeys {
  readonly #found: (apiKey: number) => void
  #head = Buffer.alloc(0)
  #skip = 0

  constructor(found: (apiKey: number) => void) {
    this.#found = found
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const skipped = Math.min(this.#skip, bytes.length - at)
      this.#skip -= skipped
      at += skipped
      const taken = bytes.subarray(at, at + 6 - this.#head.length)
      this.#head = Buffer.concat([this.#head, taken])
      at += taken.length
      if (this.#head.length < 6) return
      this.#found(this.#head.readInt16BE(4))
      this.#skip = this.#head.readInt32BE(0) - 2
      this.#head = Buffer.alloc(0)
    }
  }
}
