// Names the process that listens on a port, so that a refusal says whom to ask. Main thread; Linux only (proc(5)), and only where
// the user may look into that process.
import { readdir, readFile, readlink } from 'node:fs/promises'

const UNKNOWN = 'another process'
const WORDS_SHOWN = 100

/** `pid 4711 (java -Xmx512m …)`, or that it is not known. */
export async function portHolder(port: number): Promise<string> {
  try {
    const tables = await Promise.all(
      ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
    )
    const sockets = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`))
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    for (const pid of pids) {
      if (!(await holds(pid, sockets))) continue
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim()
      return `pid ${pid} (${words.slice(0, WORDS_SHOWN)})`
    }
  } catch {
    return UNKNOWN
  }
  return UNKNOWN
}

/** Rows of /proc/net/tcp: `sl local_address rem_address st … inode`; state 0A listens; the port is hexadecimal. */
export function listeningInodes(table: string, port: number): readonly string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) === true && fields[3] === '0A')
    .map((fields) => fields[9] ?? '')
}

async function holds(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  for (const file of files) {
    if (sockets.has(await readlink(`/proc/${pid}/fd/${file}`).catch(() => ''))) return true
  }
  return false
}
