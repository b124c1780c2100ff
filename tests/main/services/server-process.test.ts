import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { identityOf, readStat } from '../../../src/main/services/process-identity.ts'
import {
  commandLine,
  isRunning,
  type ServerProcess,
  startServer,
  stopServer,
} from '../../../src/main/services/server-process.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2-process-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** A server that is ended with the test, whatever it does. */
async function start(...words: readonly string[]): Promise<ServerProcess> {
  const [command = '', ...rest] = words
  const launch = { command, words: rest, environment: { K2_GREETING: 'hello there' }, folder }
  const server = await startServer('redis', launch, join(folder, 'log'))
  onTestFinished(async () => {
    if (await isRunning(server)) process.kill(server.pid, 'SIGKILL')
  })
  return server
}

async function logHolds(text: string): Promise<void> {
  while (!(await readFile(join(folder, 'log'), 'utf8')).includes(text))
    await new Promise((done) => setTimeout(done, 10))
}

describe('a server', () => {
  test('runs with its variables, in its folder, and writes to its log', async () => {
    await start('sh', '-c', 'echo "$K2_GREETING in $(pwd)"; exec sleep 60')
    await logHolds(`hello there in ${folder}`)
  })

  test('is stopped by SIGTERM, and a second stop finds it gone', async () => {
    const server = await start('sleep', '60')
    expect(await isRunning(server)).toBe(true)
    expect(await stopServer('redis', server)).toBe('stopped')
    expect(await isRunning(server)).toBe(false)
    expect(await stopServer('redis', server)).toBe('gone')
  })

  test('that does not heed SIGTERM is killed after the bound', async () => {
    const server = await start('sh', '-c', 'trap "" TERM; echo deaf; while :; do sleep 0.05; done')
    await logHolds('\ndeaf')
    expect(await stopServer('redis', server, 200)).toBe('killed')
  })

  test('whose program is missing shows as one that ended, with the reason in its log', async () => {
    const server = await start('k2-no-such-program').catch(() => null)
    while (server !== null && (await isRunning(server))) await new Promise((done) => setTimeout(done, 10))
    await logHolds('k2-no-such-program')
  })
})

test('a pid that is now another process is not signalled', async () => {
  const bystander: ChildProcess = spawn('sleep', ['60'])
  onTestFinished(() => void bystander.kill('SIGKILL'))
  await once(bystander, 'spawn')
  const pid = bystander.pid ?? 0
  expect(await stopServer('redis', { pid, identity: 'an earlier process with this pid' })).toBe('gone')
  expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
  expect(await identityOf(pid)).not.toBeNull()
})

test('the identity of a process stays the same and differs from that of others', async () => {
  const [mine, again, parent] = await Promise.all([process.pid, process.pid, process.ppid].map(identityOf))
  expect(mine).toBe(again)
  expect(mine).not.toBe(parent)
})

describe('/proc/<pid>/stat', () => {
  const fields = (state: string): string =>
    `${state} ${Array.from({ length: 18 }, (_, index) => index).join(' ')} 777 5`

  test('is read behind a name that holds spaces and parentheses', () => {
    expect(readStat(`12 (a) (b c) ${fields('S')}`, 'boot')).toBe('boot:777')
  })

  test('of a process that only waits to be collected is that of none', () => {
    expect(readStat(`12 (java) ${fields('Z')}`, 'boot')).toBeNull()
  })
})

test('variables stand before the command, as env(1) takes them', () => {
  const launch = { command: 'java', words: ['-jar', 'x y.jar'], environment: { A: '1', B: 'two words' }, folder }
  expect(commandLine(launch)).toEqual(['A=1', 'B=two words', 'java', '-jar', 'x y.jar'])
})
