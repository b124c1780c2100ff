// The folder of `k2 services`: who may change it. Main thread. Invariant: one `up` or `down` at a time works in a folder; a lock of a
// process that is gone is taken over.
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { IngestError } from '../../shared/errors.ts'
import { identityOf } from './process-identity.ts'

const POLL_MS = 200
/** An installation in the other process may take minutes. */
const WAIT_MS_MAX = 15 * 60_000

/** Errors: SERVICE_STATE where the folder cannot be written or another process keeps it. */
export async function withFolder<T>(folder: string, run: () => Promise<T>): Promise<T> {
  const lock = join(folder, 'lock')
  await takeLock(folder, lock)
  try {
    return await run()
  } finally {
    await rm(lock, { force: true })
  }
}

async function takeLock(folder: string, lock: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += POLL_MS) {
      if (await tryLock(lock)) return
      if (await isAbandoned(lock)) await rm(lock, { force: true })
      else await sleep(POLL_MS)
    }
  } catch (error) {
    throw new IngestError('SERVICE_STATE', { folder }, error)
  }
  throw new IngestError('SERVICE_STATE', { folder, lock })
}

async function tryLock(lock: string): Promise<boolean> {
  const file = await open(lock, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return null
    throw error
  })
  if (file === null) return false
  await file.writeFile(`${process.pid} ${await identityOf(process.pid)}`)
  await file.close()
  return true
}

/** An empty lock is one that is being written, for a moment. */
async function isAbandoned(lock: string): Promise<boolean> {
  const text = await readFile(lock, 'utf8').catch(() => '')
  const [pid = '', identity = ''] = text.split(' ')
  if (identity === '') return false
  return (await identityOf(Number(pid))) !== identity
}
