// A store in a folder of this machine. Any thread: encode workers put data files, the commit thread metadata.
// Invariants: a file is visible whole or not at all (written under a temporary name in the same folder, then linked, which never
// replaces); when a put resolves, the file, its name and every folder above it up to the root are on the disk, so nothing that
// a catalog names can vanish in a power cut. Temporary names are `.k2-….tmp`; those a crash left are swept after an hour.
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, opendir, rename, rm, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { IngestError } from '../errors.ts'
import { locationOfPath, pathOfLocation } from './file-location.ts'
import type { Store } from './store.ts'
import { errnoOf, storeError } from './store-error.ts'

/** Folders known to be on the disk; beyond this many the knowledge is dropped and gained again. */
const foldersMax = 10_000
const temporaryAgeMsMax = 3_600_000
const temporaryName = /^\.k2-.*\.tmp$/

/**
 * Opens the store of a folder, given as a path or as a `file:` location. The folder is made with the first put.
 * Errors: STORE_NOT_WRITABLE where the root is no local location.
 */
export function openFolderStore(root: string): Store {
  const isLocation = /^[a-z][a-z0-9+.-]+:/i.test(root)
  const rootPath = pathOfLocation(isLocation ? root : locationOfPath(root))
  if (rootPath === null) {
    throw new IngestError('STORE_NOT_WRITABLE', { location: root, reason: 'not a folder of this machine' })
  }
  const folders = new DurableFolders(rootPath)
  return {
    root: locationOfPath(rootPath),
    putIfAbsent: async (location, bytes) => {
      const path = insideRoot(rootPath, location, 'STORE_NOT_WRITABLE')
      await attempt('put', location, async () => {
        await folders.ensure(dirname(path))
        try {
          await putFile(path, bytes)
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT') throw error
          // Someone removed the folder since it was last seen.
          folders.forget()
          await folders.ensure(dirname(path))
          await putFile(path, bytes)
        }
      })
    },
    read: async (location, range) => {
      const path = insideRoot(rootPath, location, 'STORE_MISSING')
      return await attempt('read', location, () => readFileRange(path, range))
    },
    size: async (location) => {
      const path = insideRoot(rootPath, location, 'STORE_MISSING')
      return await attempt('size', location, () => fileSize(path))
    },
    delete: async (location) => {
      const path = insideRoot(rootPath, location, 'STORE_NOT_WRITABLE')
      await attempt('delete', location, () => rm(path, { force: true }))
    },
    hint: async (location, text) => {
      // Best effort by contract: a reader that needs the truth asks the catalog.
      await writeHint(insideRoot(rootPath, location, 'STORE_NOT_WRITABLE'), text).catch(() => undefined)
    },
  }
}

async function attempt<T>(
  operation: Parameters<typeof storeError>[1],
  location: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw storeError(error, operation, location)
  }
}

function insideRoot(rootPath: string, location: string, code: 'STORE_NOT_WRITABLE' | 'STORE_MISSING'): string {
  const path = pathOfLocation(location)
  const prefix = rootPath.endsWith('/') ? rootPath : `${rootPath}/`
  if (path?.startsWith(prefix)) return path
  throw new IngestError(code, { location, root: locationOfPath(rootPath), reason: 'outside the warehouse' })
}

/** Writes, syncs, then gives the file its name by a hard link, which fails if the name is taken. */
async function putFile(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.k2-${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, path)
  } finally {
    await unlink(temporary).catch(() => undefined)
  }
  await syncFolder(folder)
}

async function readFileRange(
  path: string,
  range?: { readonly first: number; readonly next: number },
): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const size = (await file.stat()).size
    const first = Math.min(range?.first ?? 0, size)
    const next = Math.min(range?.next ?? size, size)
    const bytes = new Uint8Array(Math.max(0, next - first))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, first + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return filled === bytes.length ? bytes : bytes.subarray(0, filled)
  } finally {
    await file.close()
  }
}

async function fileSize(path: string): Promise<number | null> {
  try {
    const found = await stat(path)
    return found.isFile() ? found.size : null
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null
    throw error
  }
}

async function writeHint(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.k2-${basename(path)}-${randomUUID()}.tmp`)
  const file = await open(temporary, 'wx')
  try {
    await file.writeFile(text)
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/** A folder that we may pass through but not open, or whose file system cannot sync folders, is left to the file system. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EINVAL'].includes(errnoOf(error))) throw error
  }
}

/** Makes folders and syncs the names of all of them up to the root, once per folder and process. */
class DurableFolders {
  readonly #rootPath: string
  readonly #known = new Set<string>()

  constructor(rootPath: string) {
    this.#rootPath = rootPath
  }

  forget(): void {
    this.#known.clear()
  }

  /**
   * Even a folder that exists is synced the first time: another process may have made it a moment ago and not yet synced the
   * name. The folder above the root is synced too, since the root may be new.
   */
  async ensure(folder: string): Promise<void> {
    if (this.#known.has(folder)) return
    const firstMade = await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      // Not to be taken for a put whose own name is taken.
      const reason = 'a file lies where a folder is needed'
      throw errnoOf(error) === 'EEXIST' ? new IngestError('STORE_NOT_WRITABLE', { folder, reason }, error) : error
    })
    const top = firstMade !== undefined && firstMade.length < this.#rootPath.length ? firstMade : this.#rootPath
    for (let path = folder; path.length >= top.length && path !== dirname(path); path = dirname(path)) {
      await syncFolder(dirname(path))
    }
    await sweepTemporaries(folder)
    if (this.#known.size >= foldersMax) this.#known.clear()
    this.#known.add(folder)
  }
}

/** Removes what crashed puts left. Younger files may belong to a put in flight in another process. */
async function sweepTemporaries(folder: string): Promise<void> {
  const oldest = Date.now() - temporaryAgeMsMax
  try {
    for await (const entry of await opendir(folder)) {
      if (!temporaryName.test(entry.name)) continue
      const path = join(folder, entry.name)
      if ((await stat(path)).mtimeMs < oldest) await rm(path, { force: true })
    }
  } catch {
    // Tidiness only: a put must not fail because a listing did.
  }
}
