// Which process a pid means: a pid alone may by now be another's. Main thread. Invariant: an identity is never given out twice, not
// even after a restart of the machine, and a process that has ended and only waits to be collected (a zombie) has none.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Null where no such process runs. */
export const identityOf = (pid: number): Promise<string | null> =>
  process.platform === 'linux' ? linuxIdentity(pid) : otherIdentity(pid)

async function linuxIdentity(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (stat === null) return null
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return readStat(stat, boot.trim())
}

/** proc(5): the name stands in parentheses and may hold any; behind it field 3, the state, and field 22, the start in ticks. */
export function readStat(stat: string, boot: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, ticks] = [fields[0], fields[19]]
  return ticks === undefined || state === 'Z' || state === 'X' ? null : `${boot}:${ticks}`
}

async function otherIdentity(pid: number): Promise<string | null> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)])
    const [state = '', ...start] = stdout.trim().split(/\s+/)
    return start.length === 0 || state.startsWith('Z') ? null : start.join(' ')
  } catch {
    return null
  }
}
