// Where a bench ran: without it no figure means anything.
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'

export const machine = (): object => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memory_mb: Math.round(totalmem() / 1048576),
  platform: `${process.platform} ${process.arch} ${release()}`,
})

/** Of K2, the Node it was measured on (its process.versions) and the packages that the figures depend on. */
export function versions(root: string, node: Readonly<Record<string, string>>): object {
  // The cast: package.json of this repository.
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly version: string
    readonly dependencies: Readonly<Record<string, string>>
  }
  return { k2: manifest.version, node: node['node'], v8: node['v8'], ...manifest.dependencies }
}
