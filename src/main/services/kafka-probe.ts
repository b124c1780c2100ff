// Asks a Kafka broker two questions over one connection: which requests it speaks (ApiVersions v0), and which brokers the cluster
// has (Metadata v5). Enough to know that it serves clients, without a client. Main thread; Kafka protocol guide, message formats.
import { once } from 'node:events'
import { connect } from 'node:net'

const API_VERSIONS = 18
const METADATA = 3
const METADATA_VERSION = 5
const ANSWER_MS_MAX = 3000
const ANSWER_BYTES_MAX = 1024 * 1024

export interface BrokerAnswer {
  readonly clusterId: string
  /** How many kinds of request it serves. */
  readonly apiCount: number
  readonly brokers: ReadonlyArray<{ readonly id: number; readonly host: string; readonly port: number }>
}

/** Rejects with the reason unless the broker answers, and names itself under the port that it was asked at. */
export async function askBroker(port: number): Promise<BrokerAnswer> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)))
  try {
    await once(socket, 'connect')
    const chunks = socket[Symbol.asyncIterator]()
    const ask = (key: number, version: number, body: Buffer): Promise<Buffer> => {
      socket.write(requestOf(key, version, body))
      return readAnswer(chunks, key)
    }
    const apiCount = readApiVersions(await ask(API_VERSIONS, 0, Buffer.alloc(0)))
    // An empty list of topics, and none may be made by asking.
    const answer = readMetadata(await ask(METADATA, METADATA_VERSION, Buffer.from([0, 0, 0, 0, 0])))
    if (!answer.brokers.some((broker) => broker.port === port))
      throw new Error(`no broker of the cluster is at port ${port}`)
    return { ...answer, apiCount }
  } finally {
    socket.destroy()
  }
}

/** With request header v1: key, version, correlation id (the key again), client id. */
function requestOf(key: number, version: number, body: Buffer): Buffer {
  const client = Buffer.from('k2-services')
  const head = Buffer.alloc(14)
  head.writeInt32BE(10 + client.length + body.length, 0)
  head.writeInt16BE(key, 4)
  head.writeInt16BE(version, 6)
  head.writeInt32BE(key, 8)
  head.writeInt16BE(client.length, 12)
  return Buffer.concat([head, client, body])
}

/** The answer behind its length and correlation id. */
async function readAnswer(chunks: AsyncIterator<unknown>, correlation: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0)
  while (bytes.length < 4 || bytes.length < 4 + bytes.readUInt32BE(0)) {
    const { done, value } = await chunks.next()
    if (done === true) throw new Error('connection closed')
    if (value instanceof Uint8Array) bytes = Buffer.concat([bytes, value])
    if (bytes.length > ANSWER_BYTES_MAX) throw new Error('answer is too long for one of Kafka')
  }
  if (bytes.length < 8 || bytes.readInt32BE(4) !== correlation) throw new Error('answer is not one of Kafka')
  return bytes.subarray(8)
}

function readApiVersions(bytes: Buffer): number {
  const error = bytes.readInt16BE(0)
  if (error !== 0) throw new Error(`ApiVersions answers error ${error}`)
  return bytes.readInt32BE(2)
}

/** throttle, brokers [id, host, port, rack], cluster id. */
export function readMetadata(bytes: Buffer): Omit<BrokerAnswer, 'apiCount'> {
  let at = 4
  const int32 = (): number => {
    at += 4
    return bytes.readInt32BE(at - 4)
  }
  const text = (): string => {
    const length = Math.max(0, bytes.readInt16BE(at))
    at += 2 + length
    return bytes.toString('utf8', at - length, at)
  }
  const count = int32()
  const brokers = Array.from({ length: Math.min(count, 1000) }, () => {
    const broker = { id: int32(), host: text(), port: int32() }
    text()
    return broker
  })
  return { brokers, clusterId: text() }
}
