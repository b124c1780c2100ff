import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openHttpRegistry } from '../../../src/shared/avro/http-registry.ts'
import { openSchemaCache } from '../../../src/shared/avro/http-registry-cache.ts'
import { RegistryClient, type RegistryClientOptions } from '../../../src/shared/avro/http-registry-client.ts'
import type { RegistryAuth } from '../../../src/shared/avro/http-registry-errors.ts'
import { IngestError } from '../../../src/shared/errors.ts'
import { freePort } from '../../support/free-port.ts'
import { type Answer, cutShort, FakeRegistry, json, silence, text } from '../../support/registry-server.ts'

const schema = '{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}'
const found = json(200, { schema })
let one: FakeRegistry
let two: FakeRegistry
let folder: string
let clockMs: number
let notices: Readonly<Record<string, string | number>>[]
let stop: AbortController

beforeEach(async () => {
  one = await FakeRegistry.start()
  two = await FakeRegistry.start()
  folder = await mkdtemp(join(tmpdir(), 'k2-registry-'))
  clockMs = 0
  notices = []
  stop = new AbortController()
})
afterEach(async () => {
  await one.stop()
  await two.stop()
  await rm(folder, { recursive: true, force: true })
})

interface Opening extends Partial<RegistryClientOptions> {
  readonly disk?: boolean
}

function open({ disk = false, ...more }: Opening = {}) {
  const urls = more.urls ?? [one.url]
  const client = new RegistryClient({
    urls,
    auth: null,
    requestMsMax: 300,
    deadlineMs: 150,
    answerBytesMax: 10_000,
    now: () => performance.now(),
    random: () => 0,
    stop: stop.signal,
    ...more,
  })
  const cache = disk ? openSchemaCache(folder, urls) : null
  const notice = (fields: Readonly<Record<string, string | number>>): void => void notices.push(fields)
  return openHttpRegistry({ client, cache, unknownMs: 1000, now: () => clockMs, notice })
}

async function failureOf(promise: Promise<unknown>): Promise<IngestError> {
  const error: unknown = await promise.then(
    (value) => value,
    (thrown: unknown) => thrown,
  )
  if (error instanceof IngestError) return error
  throw new Error(`expected an IngestError, got ${JSON.stringify(error)} ${String(error)}`)
}

describe('an id', () => {
  test('is asked for once, by its path below the base address, and kept', async () => {
    one.on('/schemas/ids/7', found)
    const registry = open()
    expect(await Promise.all([registry.schemaById(7), registry.schemaById(7)])).toEqual([
      { id: 7, json: schema },
      { id: 7, json: schema },
    ])
    await registry.schemaById(7)
    expect(one.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /schemas/ids/7'])
  })

  test('that the registry does not know is null, and not asked for again until the time is over', async () => {
    const registry = open()
    expect(await registry.schemaById(9)).toBeNull()
    one.on('/schemas/ids/9', found)
    clockMs = 999
    expect(await registry.schemaById(9)).toBeNull()
    expect(one.asked.length).toBe(1)
    clockMs = 1000
    expect(await registry.schemaById(9)).toEqual({ id: 9, json: schema })
  })

  test.each([-1, 1.5, 2 ** 31, 4_294_967_295])(
    '%d, which no registry gives out, is null without a question',
    async (id) => {
      expect(await open().schemaById(id)).toBeNull()
      expect(one.asked).toEqual([])
    },
  )

  test('unknown ids of a hostile topic do not fill the memory: the oldest is asked for again', async () => {
    const registry = open()
    for (let id = 1; id <= 1001; id++) await registry.schemaById(id)
    await registry.schemaById(1001)
    expect(one.asked.length).toBe(1001)
    await registry.schemaById(1)
    expect(one.asked.length).toBe(1002)
  })

  test('a failed question is not remembered: the next one asks again', async () => {
    const registry = open()
    one.on('/schemas/ids/7', text(503, ''))
    expect((await failureOf(registry.schemaById(7))).code).toBe('REGISTRY_UNAVAILABLE')
    one.on('/schemas/ids/7', found)
    expect((await registry.schemaById(7))?.id).toBe(7)
  })
})

const truncatedGzip = text(200, 'no gzip', { 'content-encoding': 'gzip' })
const down: readonly (readonly [string, Answer, string])[] = [
  ['an error of the server', text(500, 'oops'), 'status 500'],
  ['a gateway that finds no server', text(502, '<html>'), 'status 502'],
  ['a server that is too busy', json(429, { error_code: 42900, message: 'slow down' }), 'slow down'],
  ['a body cut short', cutShort, 'terminated'],
  ['no answer in time', silence, 'no answer in time'],
  ['a success that is a page of somebody else', text(200, '<html>welcome</html>'), 'not JSON'],
  ['a body that cannot be unpacked', truncatedGzip, ''],
]
const wrong: readonly (readonly [string, Answer, string])[] = [
  ['no credentials', json(401, { error_code: 401, message: 'who are you' }), 'who are you'],
  ['no right', text(403, ''), 'status 403'],
  ['a path that is no registry', text(404, '<html>'), 'status 404'],
  ['a path below which there is no registry', json(404, { error_code: 404, message: 'HTTP 404 Not Found' }), '404'],
  ['an answer without bound', text(200, 'x'.repeat(10_001)), 'longer than 10000 bytes'],
  ['a redirect to nowhere', text(302, ''), 'without a place'],
]

describe('a registry that cannot be asked', () => {
  test.each(down)('%s means waiting, never an unknown schema', async (_name, answer, reason) => {
    one.on('/schemas/ids/7', answer)
    // A busy machine must not turn another answer into none in time.
    const requestMsMax = answer === silence ? 300 : 20_000
    const error = await failureOf(open({ requestMsMax }).schemaById(7))
    expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', action: 'retry' })
    expect(error.context).toMatchObject({ url: one.url, request: 'GET /schemas/ids/7' })
    expect(error.message).toContain(reason)
  })

  test.each(wrong)('%s is said at once: waiting does not help', async (_name, answer, reason) => {
    one.on('/schemas/ids/7', answer)
    const error = await failureOf(open({ deadlineMs: 60_000 }).schemaById(7))
    expect(error).toMatchObject({ code: 'REGISTRY_REFUSED', action: 'stop' })
    expect(error.message).toContain(reason)
    expect(one.asked.length).toBe(1)
  })

  test('a refused connection means waiting', async () => {
    const error = await failureOf(open({ urls: [`http://127.0.0.1:${await freePort()}`] }).schemaById(7))
    expect(error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE', action: 'retry' })
    expect(error.message).toContain('ECONNREFUSED')
  })

  test('is asked again with growing pauses until the deadline, and answers then', async () => {
    one.on('/schemas/ids/7', text(500, ''), cutShort, found)
    expect((await open({ deadlineMs: 5000 }).schemaById(7))?.json).toBe(schema)
    expect(one.asked.length).toBe(3)
  })

  test('does not keep a stop waiting', async () => {
    one.on('/schemas/ids/7', silence)
    const asked = failureOf(open({ deadlineMs: 60_000, requestMsMax: 60_000 }).schemaById(7))
    setTimeout(() => stop.abort(), 50)
    const startMs = performance.now()
    expect((await asked).code).toBe('REGISTRY_UNAVAILABLE')
    expect(performance.now() - startMs).toBeLessThan(2000)
  })
})

describe('several addresses', () => {
  test('the next one answers for one that is down, and is asked first from then on', async () => {
    one.on('/schemas/ids/7', text(500, ''))
    two.on('/schemas/ids/7', found)
    two.on('/schemas/ids/8', found)
    const registry = open({ urls: [one.url, two.url] })
    expect((await registry.schemaById(7))?.id).toBe(7)
    expect((await registry.schemaById(8))?.id).toBe(8)
    expect([one.asked.length, two.asked.length]).toEqual([1, 2])
  })

  test('an id is unknown only where the others do not know it either: a follower may lag behind', async () => {
    two.on('/schemas/ids/7', found)
    const registry = open({ urls: [one.url, two.url] })
    expect((await registry.schemaById(7))?.id).toBe(7)
    expect(await registry.schemaById(8)).toBeNull()
  })

  test('one that is set up wrongly does not spoil the others, down or not', async () => {
    one.on('/schemas/ids/7', text(404, 'no'))
    two.on('/schemas/ids/7', text(503, ''), found)
    expect((await open({ urls: [one.url, two.url], deadlineMs: 5000 }).schemaById(7))?.id).toBe(7)
  })
})

describe('credentials', () => {
  const basic: RegistryAuth = { kind: 'basic', user: 'me', password: 's3cret:ü' }
  test('go along as basic or bearer', async () => {
    one.on('/schemas/ids/7', found)
    await open({ auth: basic }).schemaById(7)
    await open({ auth: { kind: 'bearer', token: 't0ken' } }).schemaById(7)
    const encoded = Buffer.from('me:s3cret:ü').toString('base64')
    expect(one.asked.map((asked) => asked.authorization)).toEqual([`Basic ${encoded}`, 'Bearer t0ken'])
  })

  test('are in no error, even where the server sends them back', async () => {
    one.on('/schemas/ids/7', (response, request) => {
      const message = `bad ${request.headers.authorization} or s3cret:ü`
      json(401, { error_code: 40101, message })(response, request)
    })
    const error = await failureOf(open({ auth: basic }).schemaById(7))
    const shown = `${error.message} ${JSON.stringify(error.context)} ${error.stack} ${String(error.cause)}`
    expect(shown).toContain('bad Basic *** or ***')
    expect(shown).not.toContain('s3cret')
    expect(shown).not.toContain(Buffer.from('me:s3cret:ü').toString('base64'))
  })

  test('do not follow a redirect to another host; within one they do', async () => {
    one.on('/schemas/ids/7', text(301, '', { location: `${two.url}/schemas/ids/7` }))
    one.on('/schemas/ids/8', text(307, '', { location: '/base/elsewhere' }))
    one.on('/elsewhere', found)
    two.on('/schemas/ids/7', found)
    const registry = open({ auth: basic })
    const error = await failureOf(registry.schemaById(7))
    expect(error.code).toBe('REGISTRY_REFUSED')
    expect(error.message).toContain(new URL(two.url).origin)
    expect(two.asked).toEqual([])
    expect((await registry.schemaById(8))?.id).toBe(8)
  })

  test('a circle of redirects ends', async () => {
    one.on('/schemas/ids/7', text(302, '', { location: '/base/schemas/ids/7' }))
    expect((await failureOf(open().schemaById(7))).message).toContain('more than 3 redirects')
    expect(one.asked.length).toBe(4)
  })
})

describe('the disk', () => {
  test('serves ids and the newest schema of a topic to a start without the registry, which it names', async () => {
    one.on('/schemas/ids/7', found)
    one.on('/subjects/a.b-value/versions/latest', json(200, { subject: 'a.b-value', id: 5, version: 1, schema }))
    const before = open({ disk: true })
    await before.schemaById(7)
    await before.latestForTopic('a.b')
    for (const path of ['/schemas/ids/7', '/subjects/a.b-value/versions/latest']) one.on(path, text(503, ''))
    const registry = open({ disk: true, deadlineMs: 60_000 })
    expect(await registry.schemaById(7)).toEqual({ id: 7, json: schema })
    expect(await registry.schemaById(5)).toEqual({ id: 5, json: schema })
    expect(await registry.latestForTopic('a.b')).toEqual({ id: 5, json: schema })
    expect(notices).toMatchObject([{ subject: 'a.b-value', schemaId: 5 }])
    // Another registry's id 7 is another schema.
    expect(await open({ disk: true, urls: [two.url] }).schemaById(7)).toBeNull()
  })

  test('an entry that is cut, changed or of another id is ignored and written anew', async () => {
    one.on('/schemas/ids/7', found)
    await open({ disk: true }).schemaById(7)
    const [place = ''] = await readdir(folder)
    const file = join(folder, place, '7.json')
    const whole = await readFile(file, 'utf8')
    const damaged = [
      whole.slice(0, -9),
      '',
      '{}',
      'null',
      whole.replace('long', 'byte'),
      whole.replace('"id":7', '"id":8'),
    ]
    for (const [index, entry] of damaged.entries()) {
      await writeFile(file, entry)
      expect((await open({ disk: true }).schemaById(7))?.json).toBe(schema)
      expect(one.asked.length).toBe(index + 2)
      expect(await readFile(file, 'utf8')).toBe(whole)
    }
    expect(await readdir(join(folder, place))).toEqual(['7.json'])
  })

  test('that cannot be written to costs nothing but its use', async () => {
    one.on('/schemas/ids/7', found)
    const path = join(folder, 'file')
    await writeFile(path, '')
    folder = path
    expect((await open({ disk: true }).schemaById(7))?.id).toBe(7)
  })
})

describe('a topic', () => {
  test('has the newest schema of its subject, percent-encoded; null without one', async () => {
    one.on('/subjects/a%2Fb%20c-value/versions/latest', json(200, { id: 3, version: 2, schema }))
    one.on('/subjects/none-value/versions/latest', json(404, { error_code: 40401, message: 'Subject not found.' }))
    expect(await open().latestForTopic('a/b c')).toEqual({ id: 3, json: schema })
    expect(await open().latestForTopic('none')).toBeNull()
  })

  test('is registered under its subject; a schema that does not fit is refused with the reason', async () => {
    one.on('/subjects/a-value/versions', text(500, ''), json(200, { id: 12 }))
    expect(await open({ deadlineMs: 5000 }).register('a', schema)).toBe(12)
    expect(JSON.parse(one.asked[0]?.body ?? '')).toEqual({ schema })
    one.on('/subjects/a-value/versions', json(409, { error_code: 409, message: 'incompatible' }))
    const error = await failureOf(open().register('a', schema))
    expect(error.code).toBe('SCHEMA_REJECTED')
    expect(error.message).toContain('incompatible')
  })
})

describe('an answer that is no schema for us', () => {
  const many = Array.from({ length: 101 }, (_, index) => ({ name: 'x', subject: `s${index}`, version: 1 }))
  test.each([
    ['protobuf', { schema: 'message A {}', schemaType: 'PROTOBUF' }, 'SCHEMA_UNSUPPORTED', 'PROTOBUF'],
    ['a record of no fields list', { schema: '{"type":"record","name":"R"}' }, 'SCHEMA_INVALID', 'fields'],
    ['a plain type', { schema: '"long"' }, 'SCHEMA_UNSUPPORTED', 'record'],
    ['no schema at all', { id: 7 }, 'SCHEMA_INVALID', 'without it'],
    [
      'a reference to nothing',
      { schema, references: [{ name: 'x', subject: 's', version: 1 }] },
      'SCHEMA_INVALID',
      'not there',
    ],
    [
      'a reference without a version',
      { schema, references: [{ name: 'x', subject: 's' }] },
      'SCHEMA_INVALID',
      'version',
    ],
    ['too many references', { schema, references: many }, 'SCHEMA_INVALID', 'more than 100 references'],
  ])('%s is refused with its id', async (_name, answer, code, reason) => {
    one.on('/schemas/ids/7', json(200, answer))
    for (let index = 0; index < 100; index++) one.on(`/subjects/s${index}/versions/1`, json(200, { schema }))
    const error = await failureOf(open().schemaById(7))
    expect(error.code).toBe(code)
    expect(error.context).toMatchObject({ schemaId: 7 })
    expect(error.message).toContain(reason)
  })

  test('references in a circle are fetched once each; a chain without end is refused', async () => {
    const to = (subject: string) => ({ schema, references: [{ name: 'x', subject, version: 1 }] })
    one.on('/schemas/ids/7', json(200, to('a')))
    one.on('/subjects/a/versions/1', json(200, to('b')))
    one.on('/subjects/b/versions/1', json(200, to('a')))
    expect((await open().schemaById(7))?.id).toBe(7)
    expect(one.asked.length).toBe(3)
    one.on('/schemas/ids/8', json(200, to('s0')))
    for (let index = 0; index < 20; index++) one.on(`/subjects/s${index}/versions/1`, json(200, to(`s${index + 1}`)))
    expect((await failureOf(open().schemaById(8))).message).toContain('nested deeper than 16')
  })
})
