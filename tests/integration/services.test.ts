// `k2 services` with the real servers, all five: up, asked by their own protocols, down. Installs them first where they are not.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askHttp, askJson } from '../../src/main/services/http-probe.ts'
import { askBroker } from '../../src/main/services/kafka-probe.ts'
import { identityOf } from '../../src/main/services/process-identity.ts'
import { askRedis } from '../../src/main/services/redis-probe.ts'
import { S3_BUCKET, s3Credentials } from '../../src/main/services/s3-service.ts'
import { signS3 } from '../../src/main/services/s3-signature.ts'
import { portNames, serviceNames } from '../../src/shared/service-names.ts'
import { builtCli, plainEnvironment } from '../support/built-k2.ts'

const INSTALL_MS_MAX = 900_000

interface Row {
  readonly service: string
  readonly state: string
  readonly pid: number | null
  readonly address: string
  readonly log: string
}
interface Answer {
  readonly code: number
  readonly rows: readonly Row[]
  readonly options: readonly string[]
  readonly err: string
}

const environment = plainEnvironment()

let folder = ''
let up: Answer

/** `k2 services … --json` in the folder of this test. */
function services(...words: readonly string[]): Promise<Answer> {
  const whole = [builtCli, 'services', ...words, '--dir', join(folder, 'services'), '--json']
  return new Promise((resolve) => {
    execFile(process.execPath, whole, { timeout: INSTALL_MS_MAX, env: environment }, (error, out, err) => {
      const { services: rows = [], options = [] } = out === '' ? {} : JSON.parse(out)
      resolve({ code: error === null ? 0 : Number(error.code), rows, options, err })
    })
  })
}

const addressOf = (service: string, answer = up): string =>
  answer.rows.find((row) => row.service === service)?.address ?? 'missing'
const portOf = (service: string): number => Number(/:(\d+)(?:\/|$)/.exec(addressOf(service))?.[1])
const states = (answer: Answer): Record<string, string> =>
  Object.fromEntries(answer.rows.map(({ service, state }) => [service, state]))
const all = (state: string): Record<string, string> => Object.fromEntries(serviceNames.map((name) => [name, state]))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2-servers-'))
  up = await services('up', '--ports', portNames.map((name) => `${name}=0`).join(','))
}, INSTALL_MS_MAX)

afterAll(async () => {
  await services('down')
  await rm(folder, { recursive: true })
}, 120_000)

test('all are well after up, and the options for k2 run are told', async () => {
  expect(up.err).not.toContain('k2: ')
  expect(up).toMatchObject({ code: 0 })
  expect(states(up)).toEqual(all('healthy'))
  expect(up.options).toEqual(expect.arrayContaining(['--brokers', addressOf('kafka')]))
  const status = await services('status')
  expect(status).toMatchObject({ code: 0, rows: up.rows })
})

test('a second up leaves them as they are', async () => {
  const again = await services('up')
  expect(again).toMatchObject({ code: 0, rows: up.rows })
})

describe('each speaks its own protocol:', () => {
  test('Kafka names its cluster and itself', async () => {
    const answer = await askBroker(portOf('kafka'))
    expect(answer.clusterId).toMatch(/^[\w-]{22}$/)
    expect(answer.brokers).toEqual([{ id: 1, host: '127.0.0.1', port: portOf('kafka') }])
    expect(answer.apiCount).toBeGreaterThan(40)
  })

  test('Redis answers PING', async () => {
    expect(await askRedis(portOf('redis'), 'PING')).toBe('+PONG')
  })

  test('the registry refuses a schema that cannot read what the last one wrote', async () => {
    const base = addressOf('registry')
    const register = (type: string) =>
      askHttp(`${base}/subjects/trades-value/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          schema: JSON.stringify({ type: 'record', name: 'Trade', fields: [{ name: 'price', type }] }),
        }),
      })
    expect(await askJson(`${base}/config`)).toMatchObject({ compatibilityLevel: 'BACKWARD' })
    expect((await register('int')).status).toBe(200)
    expect((await register('long')).status).toBe(200)
    expect((await register('string')).status).toBe(409)
  })

  test('the catalog makes a namespace and finds it again', async () => {
    const base = addressOf('catalog')
    const made = await askHttp(`${base}/v1/namespaces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ namespace: ['market_data'] }),
    })
    expect(made.status).toBe(200)
    expect(await askJson(`${base}/v1/namespaces`)).toMatchObject({ namespaces: [['market_data']] })
  })

  test.each([`s3://${S3_BUCKET}/trades`, null])('the catalog writes a table whose location is %s', async (location) => {
    const made = await askJson(`${addressOf('catalog')}/v1/namespaces/market_data/tables`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        name: location === null ? 'in_its_folder' : 'on_s3',
        ...(location === null ? {} : { location }),
        schema: { type: 'struct', fields: [{ id: 1, name: 'price', required: true, type: 'long' }] },
      }),
    })
    const start = location ?? `file:${join(folder, 'services', 'catalog', 'warehouse')}/`
    expect(made).toMatchObject({ 'metadata-location': expect.stringContaining(start) })
  })

  test('S3 shows the bucket to its key and to no other', async () => {
    const host = `127.0.0.1:${portOf('s3')}`
    const request = { method: 'HEAD', host, path: `/${S3_BUCKET}`, ...s3Credentials, nowMs: Date.now() } as const
    const head = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await askHttp(`http://${host}/${S3_BUCKET}`, { method: 'HEAD', headers })).status
    expect(await head(signS3(request))).toBe(200)
    expect(await head(signS3({ ...request, secretKey: 'another' }))).toBe(403)
    expect(await head({})).toBe(403)
  })
})

test('none listens on another interface than 127.0.0.1', () => {
  const pids = up.rows.map(({ pid }) => pid ?? 0)
  const addresses = pids.flatMap(listeningAddresses)
  expect(addresses.length).toBeGreaterThanOrEqual(portNames.length)
  // As /proc/net/tcp and tcp6 write 127.0.0.1: little-endian words.
  const local = new Set(['0100007F', '0000000000000000FFFF00000100007F'])
  expect(addresses.filter((address) => !local.has(address))).toEqual([])
})

/** Linux: local addresses of the listening sockets of a process. */
function listeningAddresses(pid: number): readonly string[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((file) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${file}`)
      } catch {
        return ''
      }
    }),
  )
  return ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/net/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && sockets.has(`socket:[${fields[9]}]`))
      .map((fields) => fields[1]?.split(':')[0] ?? ''),
  )
}

test('one is taken down and comes back at its address with its data; the others go on', async () => {
  const clusterId = (await askBroker(portOf('kafka'))).clusterId
  expect(await services('down', '--only', 'kafka')).toMatchObject({ code: 0 })
  expect(await services('status', '--only', 'kafka')).toMatchObject({ code: 1 })
  expect(states(await services('status'))).toEqual({ ...all('healthy'), kafka: 'stopped' })
  const back = await services('up', '--only', 'kafka')
  expect(back.code).toBe(0)
  expect(addressOf('kafka', back)).toBe(addressOf('kafka'))
  expect((await askBroker(portOf('kafka'))).clusterId).toBe(clusterId)
}, 120_000)

test('down ends them all, and no process is left', async () => {
  const pids = (await services('status')).rows.map(({ pid }) => pid)
  expect(pids).not.toContain(null)
  expect(await services('down')).toMatchObject({ code: 0 })
  expect(await Promise.all(pids.map((pid) => identityOf(pid ?? 0)))).toEqual(pids.map(() => null))
  const status = await services('status')
  expect(states(status)).toEqual(all('stopped'))
  expect(status.code).toBe(0)
  expect(await services('down')).toMatchObject({ code: 0, rows: [] })
}, 120_000)
