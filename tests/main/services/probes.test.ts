// What the health checks make of servers that are not what they should be. The real ones are asked in the integration test.
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { askHttp, askJson } from '../../../src/main/services/http-probe.ts'
import { askBroker, readMetadata } from '../../../src/main/services/kafka-probe.ts'
import { askRedis } from '../../../src/main/services/redis-probe.ts'
import { signS3 } from '../../../src/main/services/s3-signature.ts'

async function serve(onSocket: (socket: Socket, port: number) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onSocket(socket, (server.address() as AddressInfo).port)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const text = (value: string): Buffer => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
const metadata = (port: number): Buffer =>
  Buffer.concat([
    int32(0),
    int32(1),
    int32(1),
    text('127.0.0.1'),
    int32(port),
    Buffer.from([255, 255]),
    text('cluster'),
  ])

/** A broker that cuts its answers into single bytes. */
const broker = (named: (port: number) => number) => (socket: Socket, port: number) => {
  socket.on('data', async (request: Buffer) => {
    const correlation = request.subarray(8, 12)
    const body = request.readInt16BE(4) === 18 ? Buffer.concat([Buffer.alloc(2), int32(61)]) : metadata(named(port))
    const answer = Buffer.concat([int32(4 + body.length), correlation, body])
    for (const byte of answer) await new Promise((done) => socket.write(Buffer.from([byte]), done))
  })
}

describe('Kafka', () => {
  test('is well where it names itself under the port that was asked', async () => {
    const port = await serve(broker((own) => own))
    const brokers = [{ id: 1, host: '127.0.0.1', port }]
    expect(await askBroker(port)).toEqual({ apiCount: 61, clusterId: 'cluster', brokers })
  })

  test('is not well where it is another that answers', async () => {
    const port = await serve(broker(() => 9092))
    await expect(askBroker(port)).rejects.toThrow(`no broker of the cluster is at port ${port}`)
  })

  test.each([
    ['closes at once', (socket: Socket) => void socket.end(), 'connection closed'],
    [
      'speaks HTTP',
      (socket: Socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'.padEnd(2 ** 21)),
      'too long',
    ],
    [
      'answers another question',
      (socket: Socket) => void socket.write(Buffer.from([0, 0, 0, 4, 9, 9, 9, 9])),
      'not one of Kafka',
    ],
  ])('is not well where it %s', async (_what, onSocket, reason) => {
    const port = await serve(onSocket)
    await expect(askBroker(port)).rejects.toThrow(reason)
  })

  test('an answer that is cut off is no metadata', () => {
    expect(() => readMetadata(metadata(9092).subarray(0, 20))).toThrow(RangeError)
  })
})

describe('Redis', () => {
  test('answers with its first line, however it is cut', async () => {
    const port = await serve(async (socket) => {
      for (const part of ['+PO', 'NG\r', '\n+more\r\n']) await new Promise((done) => socket.write(part, done))
    })
    expect(await askRedis(port, 'PING')).toBe('+PONG')
  })

  test('is not well where it closes before the line ends', async () => {
    const port = await serve((socket) => void socket.end('+PO'))
    await expect(askRedis(port, 'PING')).rejects.toThrow('not one of Redis')
  })
})

describe('HTTP', () => {
  async function http(status: number, body: string): Promise<string> {
    const server = createHttpServer((_request, response) => void response.writeHead(status).end(body))
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`
  }

  test('status and text are the answer, whatever the status', async () => {
    expect(await askHttp(await http(403, 'no'))).toEqual({ status: 403, text: 'no' })
  })

  test('JSON is that of a 200 only; else the reason is what the server says', async () => {
    expect(await askJson(await http(200, '["a"]'))).toEqual(['a'])
    await expect(askJson(await http(503, 'starting'))).rejects.toThrow('answers 503: starting')
    await expect(askJson(await http(200, '<html>'))).rejects.toThrow(SyntaxError)
  })

  test('where nothing listens the reason says so', async () => {
    await expect(askHttp('http://127.0.0.1:1/x')).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:1\/x: .*(?:ECONNREFUSED|bad port)/,
    )
  })
})

test('a signature changes with the key, the path and the time', () => {
  const request = {
    method: 'HEAD',
    host: 'h',
    path: '/b',
    accessKey: 'k',
    secretKey: 's',
    region: 'r',
    nowMs: 0,
  } as const
  const variants = [request, { ...request, secretKey: 't' }, { ...request, path: '/c' }, { ...request, nowMs: 1000 }]
  const signatures = variants.map((variant) => signS3(variant)['authorization'])
  expect(new Set(signatures).size).toBe(4)
  expect(signatures[0]).toMatch(
    /^AWS4-HMAC-SHA256 Credential=k\/19700101\/r\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$/,
  )
  expect(signS3(request)['x-amz-date']).toBe('19700101T000000Z')
})
