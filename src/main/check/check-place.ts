// Probes of this machine and of where a run writes: Node, warehouse, catalog. Main thread. Invariant: the only thing written is one
// probe file in the warehouse, and it is deleted again; a warehouse or catalog that is not there yet is not made.
import { randomUUID } from 'node:crypto'
import { constants, existsSync, statSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import * as zlib from 'node:zlib'
import { IngestError } from '../../shared/errors.ts'
import { openFolderStore } from '../../shared/store/folder-store.ts'
import { type Check, failed, okay, probe } from './check.ts'

/** The first Node with zstd of its own. */
export function nodeCheck(version: string): Check {
  const isFast = typeof Reflect.get(zlib, 'zstdCompressSync') === 'function'
  const path = isFast
    ? 'with native zstd: the fast path'
    : 'without native zstd: works, slower; 22.15 and later have it'
  return okay('node', `${version} ${path}`)
}

export async function warehouseCheck(warehouse: string): Promise<Check> {
  if (!existsSync(resolve(warehouse))) return notThereYet('warehouse', warehouse, '--warehouse')
  const { check } = await probe(
    'warehouse',
    () => probeStore(warehouse),
    (found) => `${warehouse}: ${found}`,
  )
  return check
}

/** Writes a file, sees that it is not overwritten, reads it and deletes it. */
async function probeStore(warehouse: string): Promise<string> {
  const store = openFolderStore(warehouse)
  const location = `${store.root}/.k2-check-${randomUUID()}`
  const bytes = Buffer.from('k2 run --check')
  await store.putIfAbsent(location, bytes)
  try {
    if (!(await isRefused(() => store.putIfAbsent(location, Buffer.from('another'))))) {
      throw new IngestError('STORE_NOT_WRITABLE', { location, reason: 'a file that is there is overwritten' })
    }
    if (!bytes.equals(await store.read(location))) {
      throw new IngestError('STORE_NOT_WRITABLE', { location, reason: 'what is read is not what was written' })
    }
  } finally {
    await store.delete(location)
  }
  return 'written, not overwritten, read and deleted a probe file'
}

async function isRefused(put: () => Promise<void>): Promise<boolean> {
  try {
    await put()
    return false
  } catch (error) {
    if (error instanceof IngestError && error.code === 'STORE_EXISTS') return true
    throw error
  }
}

/** SQLite writes beside the file, too. Whether it is a catalog shows when its tables are looked at. */
export async function catalogCheck(file: string): Promise<Check> {
  const path = resolve(file)
  if (!existsSync(path)) return notThereYet('catalog', file, '--catalog')
  for (const [target, what] of [
    [path, 'the file'],
    [dirname(path), 'its folder'],
  ] as const) {
    if (!(await isWritable(target)))
      return failed('catalog', `${file}: ${what} may not be written`, 'give this user the right')
  }
  return okay('catalog', `${file} is there and may be written`)
}

/** A run makes it: what must be writable is the nearest folder above that is there. */
async function notThereYet(name: string, path: string, option: string): Promise<Check> {
  let folder = dirname(resolve(path))
  const isMade = name === 'warehouse'
  while (isMade && !existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  if (await isWritableFolder(folder)) return okay(name, `${path} is not there yet; a run makes it in ${folder}`)
  return failed(
    name,
    `${path} is not there, and ${folder} is no folder that may be written`,
    `make the folder, or correct ${option}`,
  )
}

const isWritable = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  )

const isWritableFolder = async (path: string): Promise<boolean> =>
  (await isWritable(path)) && statSync(path).isDirectory()
