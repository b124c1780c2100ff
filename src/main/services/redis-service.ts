// Redis: the machine's own redis-server or valkey-server where there is one, else Debian's packages, unpacked into the cache and
// never installed: no service, no user, nothing outside the folder. Main thread.
import { readdirSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { askRedis } from './redis-probe.ts'
import type { Machine, RunTool, Service } from './service.ts'

const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'] as const

/** Which program: the machine's, or the unpacked one. */
export const redisService = (machine: Pick<Machine, 'redisServer'>): Service => ({
  name: 'redis',
  title: 'Redis',
  ports: ['redis'],
  address: (ports) => `redis://127.0.0.1:${ports.redis}`,
  needs: (found, isInstalled) =>
    machine.redisServer !== null || found.debian || isInstalled
      ? []
      : [{ what: 'redis-server or valkey-server on the PATH', install: 'the package redis or valkey of this system' }],
  installation: () =>
    machine.redisServer === null ? { name: 'redis-debian', files: [], install: unpackPackages } : null,
  prepare: async () => {},
  launch: (place) => ({
    command: machine.redisServer ?? join(place.installed, 'root', 'usr', 'bin', 'redis-server'),
    words: [
      ...['--bind', '127.0.0.1', '--port', String(place.ports.redis), '--dir', place.data],
      ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
    ],
    environment: machine.redisServer === null ? { LD_LIBRARY_PATH: librariesOf(place.installed) } : {},
    folder: place.data,
  }),
  probe: async (ports) => {
    const answer = await askRedis(ports.redis, 'PING')
    if (answer !== '+PONG') throw new Error(`PING answers ${answer}`)
  },
})

async function unpackPackages(folder: string, run: RunTool): Promise<void> {
  const archives = join(folder, 'archives')
  await mkdir(archives)
  const download = ['-o', 'APT::Sandbox::User=', 'download', ...PACKAGES]
  try {
    await run('apt-get', download, archives)
  } catch {
    // The machine's lists are missing or old. Lists of our own need no rights on the system's.
    const own = ['lists', 'cache'].map((name) => join(folder, name))
    for (const path of own) await mkdir(join(path, 'partial'), { recursive: true })
    const options = ['-o', `Dir::State::Lists=${own[0]}`, '-o', `Dir::Cache=${own[1]}`, '-o', 'APT::Sandbox::User=']
    await run('apt-get', [...options, 'update'], archives)
    await run('apt-get', [...options, ...download], archives)
  }
  for (const archive of await readdir(archives)) {
    if (archive.endsWith('.deb')) await run('dpkg-deb', ['-x', archive, join(folder, 'root')], archives)
  }
  await run('rm', ['-rf', 'archives', 'lists', 'cache'], folder)
}

/** Debian's folders for libraries carry the name of the architecture. */
const librariesOf = (installed: string): string => {
  const lib = join(installed, 'root', 'usr', 'lib')
  return readdirSync(lib)
    .map((name) => join(lib, name))
    .join(':')
}
