// `up`, `status` and `down` with a stand-in for redis-server on the PATH: the servers themselves are the integration test's.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { isRunning } from '../../../src/main/services/server-process.ts'
import {
  type ServiceState,
  type ServicesPlan,
  servicesDown,
  servicesStatus,
  servicesUp,
} from '../../../src/main/services/services.ts'
import { readState } from '../../../src/main/services/state-file.ts'
import { IngestError } from '../../../src/shared/errors.ts'

let root = ''
let plan: ServicesPlan
const notices: string[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'k2-services-'))
  notices.length = 0
  plan = {
    folder: join(root, 'services'),
    cache: join(root, 'cache'),
    only: ['redis'],
    ports: { redis: 0 },
    readyMsMax: 20_000,
    notice: (service, text) => void notices.push(`${service}: ${text}`),
  }
  const program = fileURLToPath(new URL('fake-redis.mjs', import.meta.url))
  await mkdir(join(root, 'bin'))
  await writeFile(join(root, 'bin', 'redis-server'), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`)
  await chmod(join(root, 'bin', 'redis-server'), 0o755)
  vi.stubEnv('PATH', `${join(root, 'bin')}:${process.env['PATH'] ?? ''}`)
})

afterEach(async () => {
  await servicesDown(plan)
  vi.unstubAllEnvs()
  await rm(root, { recursive: true })
})

const again = (): ServicesPlan => ({ ...plan, ports: {} })

async function pidOfRedis(): Promise<number> {
  const { redis } = await readState(plan.folder)
  return redis?.kind === 'started' ? redis.pid : 0
}

async function stateOfRedis(): Promise<ServiceState | undefined> {
  return (await servicesStatus(plan))[0]?.state
}

const refusal = async (work: Promise<unknown>): Promise<IngestError> => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof IngestError)) throw new Error(`not refused: ${String(error)}`)
  return error
}

describe('a server', () => {
  test('is up, told well, taken down, and comes back at the same port', async () => {
    expect(await stateOfRedis()).toEqual({ kind: 'stopped' })
    await servicesUp(plan)
    const pid = await pidOfRedis()
    expect(await stateOfRedis()).toEqual({ kind: 'healthy', pid })
    const [before] = await servicesStatus(plan)
    expect([...(await servicesDown(plan))]).toEqual([['redis', 'stopped']])
    expect(await stateOfRedis()).toEqual({ kind: 'stopped' })
    await servicesUp(again())
    expect((await servicesStatus(plan))[0]?.address).toBe(before?.address)
    expect(await pidOfRedis()).not.toBe(pid)
  })

  test('that runs is left alone by a second up, and down twice is as good as once', async () => {
    await servicesUp(plan)
    const pid = await pidOfRedis()
    await servicesUp(again())
    expect(await pidOfRedis()).toBe(pid)
    expect(notices.at(-1)).toMatch(/^redis: runs already at redis:/)
    expect((await servicesDown(plan)).size).toBe(1)
    expect((await servicesDown(plan)).size).toBe(0)
  })

  test('is started once by two ups at the same time', async () => {
    await Promise.all([servicesUp(plan), servicesUp(again())])
    expect(notices.filter((text) => text.startsWith('redis: ready'))).toHaveLength(1)
    expect(notices.filter((text) => text.includes('runs already'))).toHaveLength(1)
  })

  test('that was killed is told as dead, and up starts it again', async () => {
    await servicesUp(plan)
    const pid = await pidOfRedis()
    process.kill(pid, 'SIGKILL')
    await vi.waitFor(async () => expect(await stateOfRedis()).toEqual({ kind: 'died', pid }))
    await servicesUp(again())
    expect(await stateOfRedis()).toEqual({ kind: 'healthy', pid: await pidOfRedis() })
  })

  test('that hangs is told as not well, with the reason, and down ends it all the same', async () => {
    await servicesUp(plan)
    const pid = await pidOfRedis()
    process.kill(pid, 'SIGSTOP')
    expect(await stateOfRedis()).toEqual({ kind: 'unhealthy', pid, reason: expect.stringContaining('no answer') })
    process.kill(pid, 'SIGCONT')
    expect([...(await servicesDown(plan)).values()]).toEqual(['stopped'])
  })

  test('that ends while it starts is an error with its last words, and is not kept as one that runs', async () => {
    vi.stubEnv('FAKE_REDIS', 'ends')
    const error = await refusal(servicesUp(plan))
    expect(error).toMatchObject({ code: 'SERVICE_START', context: { service: 'redis' } })
    expect(error.message).toContain('no memory left for a fake')
    expect(await stateOfRedis()).toEqual({ kind: 'stopped' })
  })

  test.each(['deaf', 'silent'])('that is %s for too long is ended again', async (mode) => {
    vi.stubEnv('FAKE_REDIS', mode)
    const up = refusal(servicesUp({ ...plan, readyMsMax: 1000 }))
    // On a busy machine programs take their time to tell their versions.
    const patience = { timeout: 20_000, interval: 20 }
    const started = await vi.waitFor(async () => {
      const { redis } = await readState(plan.folder)
      if (redis?.kind !== 'started') throw new Error('not yet')
      return redis
    }, patience)
    expect((await up).code).toBe('SERVICE_START')
    expect(await isRunning(started)).toBe(false)
    expect(await stateOfRedis()).toEqual({ kind: 'stopped' })
  })
})

describe('nothing is started', () => {
  const isUntouched = async (): Promise<void> => {
    expect(await readState(plan.folder)).toEqual({})
    expect(await readdir(plan.folder)).toEqual([])
  }

  test('where a port is taken, and who has it is named', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await vi.waitFor(() => expect(server.address()).not.toBeNull())
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const error = await refusal(servicesUp({ ...plan, ports: { redis: port } }))
    expect(error.code).toBe('SERVICE_PORT')
    expect(error.context['redis']).toMatch(new RegExp(`^${port} by (?:pid ${process.pid} |another process)`))
    await isUntouched()
  })

  test('where programs are missing: all of them are named, for each server', async () => {
    vi.stubEnv('PATH', join(root, 'empty'))
    const error = await refusal(servicesUp({ ...plan, only: null, ports: {} }))
    expect(error.code).toBe('SERVICE_TOOLS')
    expect(Object.keys(error.context)).toEqual(['kafka', 'redis', 'registry', 'catalog', 's3'])
    expect(error.context['kafka']).toBe(
      'Java 17 or newer: apt-get install openjdk-17-jdk-headless, and its java first on the PATH; Maven (mvn): apt-get install maven',
    )
    await isUntouched()
  })

  test('at another port than the one it runs at', async () => {
    await servicesUp(plan)
    const pid = await pidOfRedis()
    const error = await refusal(servicesUp({ ...plan, ports: { redis: 1 } }))
    expect(error).toMatchObject({ code: 'SERVICE_PORT', context: { redis: 1 } })
    expect(await pidOfRedis()).toBe(pid)
  })
})

test('a lock that a killed process left is taken over', async () => {
  await mkdir(plan.folder)
  await writeFile(join(plan.folder, 'lock'), '4194305 an identity of none')
  await servicesUp(plan)
  expect((await readdir(plan.folder)).sort()).toEqual(['redis', 'redis.log', 'state.json'])
  expect(await readFile(join(plan.folder, 'redis.log'), 'utf8')).toContain('--- k2 starts redis: redis-server --bind')
})
