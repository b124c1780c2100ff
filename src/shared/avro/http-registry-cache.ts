// Schemas of an HTTP registry on disk: one file per id, one per subject's newest, in a folder per registry address. Main thread.
// Invariant: an entry is whole or not there (written beside, then renamed; checked by its hash when read), and is never needed: what
// cannot be read or written only costs a question to the registry.
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { WriterSchema } from './writer-schema.ts'

export interface SchemaDiskCache {
  readId(id: number): Promise<WriterSchema | null>
  /** The newest schema of a subject as it was when the registry was last asked. */
  readLatest(subject: string): Promise<WriterSchema | null>
  /** `url`: the address that answered. */
  writeId(url: string, schema: WriterSchema): Promise<void>
  writeLatest(url: string, subject: string, schema: WriterSchema): Promise<void>
}

/** Nothing longer was ever written. */
const FILE_BYTES_MAX = 32 * 1024 * 1024
const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
const idFile = (id: number): string => `${id}.json`
const latestFile = (subject: string): string => `latest-${digest(subject)}.json`

/**
 * Ids are only known to mean the same within one registry, so its address chooses the folder; `urls` are those of one registry.
 */
export function openSchemaCache(folder: string, urls: readonly string[]): SchemaDiskCache {
  const folderOf = (url: string): string => join(folder, digest(url).slice(0, 16))
  const read = async (name: string, subject: string): Promise<WriterSchema | null> => {
    for (const url of urls) {
      const schema = await readEntry(join(folderOf(url), name), subject)
      if (schema !== null) return schema
    }
    return null
  }
  return {
    readId: async (id) => {
      const schema = await read(idFile(id), '')
      return schema?.id === id ? schema : null
    },
    readLatest: (subject) => read(latestFile(subject), subject),
    writeId: (url, schema) => writeEntry(folderOf(url), idFile(schema.id), '', schema),
    writeLatest: (url, subject, schema) => writeEntry(folderOf(url), latestFile(subject), subject, schema),
  }
}

const hashOf = (subject: string, schema: WriterSchema): string => digest(`${subject}\n${schema.id}\n${schema.json}`)

/** Null for what is missing, cut, damaged or not what its name says. */
async function readEntry(path: string, subject: string): Promise<WriterSchema | null> {
  try {
    if ((await stat(path)).size > FILE_BYTES_MAX) return null
    const entry: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof entry !== 'object' || entry === null || !('id' in entry) || !('json' in entry) || !('hash' in entry)) {
      return null
    }
    const { id, json, hash } = entry
    if (typeof id !== 'number' || typeof json !== 'string') return null
    return hash === hashOf(subject, { id, json }) ? { id, json } : null
  } catch {
    return null
  }
}

async function writeEntry(folder: string, name: string, subject: string, schema: WriterSchema): Promise<void> {
  const beside = join(folder, `.${name}.${randomUUID()}`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(beside, JSON.stringify({ ...schema, hash: hashOf(subject, schema) }))
    await rename(beside, join(folder, name))
  } catch {
    await rm(beside, { force: true }).catch(() => undefined)
  }
}
