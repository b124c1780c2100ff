// Installs a server into the cache, once. Main thread. Invariant: a folder under its final name is whole; it is made under another
// name and renamed, so that a stopped or failed installation leaves nothing that looks like one, and two at a time do no harm.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { IngestError } from '../../shared/errors.ts'
import type { Installation, RunTool } from './service.ts'

/** The files that ship with K2; this file is three folders below the package, in src and in dist alike. */
const shipped = (service: string, file: string): string =>
  fileURLToPath(new URL(`../../../services/${service}/${file}`, import.meta.url))

/** Where it is, or will be: another version, or another description of the same, gets a folder of its own. */
export async function installedFolder(cache: string, service: string, installation: Installation): Promise<string> {
  const hash = createHash('sha256').update(installation.name)
  for (const file of installation.files) hash.update(file).update(await readFile(shipped(service, file)))
  return join(cache, `${installation.name}-${hash.digest('hex').slice(0, 8)}`)
}

export const isInstalled = (folder: string): boolean => existsSync(folder)

/** Errors: SERVICE_INSTALL, with the log of what went wrong. */
export async function install(service: string, installation: Installation, folder: string, log: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}.unfinished`
  try {
    await mkdir(unfinished, { recursive: true })
    for (const file of installation.files) {
      const target = join(unfinished, file)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, await readFile(shipped(service, file)))
    }
    await installation.install(unfinished, toolRunner(log))
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!isInstalled(folder)) throw error
    })
  } catch (error) {
    throw new IngestError('SERVICE_INSTALL', { service, log }, error)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** Runs programs one after another, all their output at the end of one log. */
export function toolRunner(log: string): RunTool {
  return async (command, words, folder) => {
    const file = await open(log, 'a')
    try {
      await file.write(`--- k2 runs ${command} ${words.join(' ')}\n`)
      const child = spawn(command, words, { cwd: folder, stdio: ['ignore', file.fd, file.fd] })
      const code = await new Promise<number | null>((resolve, reject) => {
        child.on('error', reject)
        child.on('close', resolve)
      })
      if (code !== 0) throw new Error(`${command} ended with ${code ?? 'a signal'}`)
    } finally {
      await file.close()
    }
  }
}
