import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseState, readState, type ServicesState, writeState } from '../../../src/main/services/state-file.ts'
import { IngestError } from '../../../src/shared/errors.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2-state-'))
})
afterEach(() => rm(folder, { recursive: true }))

const started = { kind: 'started', pid: 4711, identity: 'boot:99', ports: { kafka: 29_092 }, startedAt: 'now' } as const
const state: ServicesState = { kafka: started, redis: { kind: 'stopped', ports: { redis: 26_379 } } }
const parse = (record: object): ServicesState => parseState({ v: 1, services: { kafka: { ...started, ...record } } })

test('what is written is read again, and nothing else is left in the folder', async () => {
  await writeState(join(folder, 'made'), state)
  expect(await readState(join(folder, 'made'))).toEqual(state)
  expect(await readdir(join(folder, 'made'))).toEqual(['state.json'])
})

test('a folder where nothing was ever started has an empty state', async () => {
  expect(await readState(join(folder, 'missing'))).toEqual({})
})

describe('a file that is not to be trusted is refused, and no pid taken from it', () => {
  test.each([0, 1, -1, -4711, 1.5, '4711', null])('pid %s', (pid) => {
    expect(() => parse({ pid })).toThrow('pid of kafka')
  })

  test('a process without an identity', () => {
    expect(() => parse({ identity: '' })).toThrow('identity')
  })

  test('another version', () => {
    expect(() => parseState({ v: 2, services: {} })).toThrow('version 2')
  })

  test('a torn one, with its name', async () => {
    await writeFile(join(folder, 'state.json'), '{"v":1,"serv')
    const error = await readState(folder).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(IngestError)
    expect(error).toMatchObject({ code: 'SERVICE_STATE', context: { file: join(folder, 'state.json') } })
  })
})

test('a port that cannot be one is as good as none', () => {
  expect(parse({ ports: { kafka: 70_000, redis: 6379, catalog: 'x', other: 1 } }).kafka?.ports).toEqual({ redis: 6379 })
})
