// Where the rows of a query go: back to be shown, as text to standard output or a file, as Parquet to a file. Main thread.
// Invariant: a file appears under its name whole or not at all; what was there before stays until then.
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { IngestError } from '../../shared/errors.ts'
import type { OutputPlan } from '../../shared/query/query-messages.ts'

export type QueryFormat = 'table' | 'csv' | 'jsonl' | 'parquet'

export interface QueryOutput {
  readonly plan: OutputPlan
  /** Descriptor for text of the database's process. */
  readonly descriptor: number
  /** Gives the file its name; null where there is none. Errors: QUERY_OUTPUT. */
  finish(): Promise<string | null>
  discard(): Promise<void>
}

const STDOUT = 1

/** Errors: QUERY_OUTPUT. */
export async function openOutput(format: QueryFormat, path: string | null, rowsMax: number): Promise<QueryOutput> {
  if (path === null) {
    if (format === 'parquet')
      throw new IngestError('QUERY_OUTPUT', { reason: 'parquet needs a file: name it with --output' })
    const plan: OutputPlan = format === 'table' ? { kind: 'rows', rowsMax } : { kind: 'text', format }
    return { plan, descriptor: STDOUT, finish: async () => null, discard: async () => undefined }
  }
  if (format === 'table')
    throw new IngestError('QUERY_OUTPUT', { file: path, reason: 'a table is for the terminal only' })
  const target = resolve(path)
  const temporary = `${target}.${randomUUID()}.tmp`
  // Made here for Parquet, too: what cannot be written is said before the query runs.
  const handle = await open(temporary, 'wx').catch((error: unknown) => {
    throw new IngestError('QUERY_OUTPUT', { file: path }, error)
  })
  const plan: OutputPlan = format === 'parquet' ? { kind: 'parquet', path: temporary } : { kind: 'text', format }
  return {
    plan,
    descriptor: format === 'parquet' ? STDOUT : handle.fd,
    finish: async () => {
      await named(handle, temporary, target)
      return path
    },
    discard: async () => {
      await handle.close().catch(() => undefined)
      await rm(temporary, { force: true })
    },
  }
}

async function named(handle: FileHandle, temporary: string, target: string): Promise<void> {
  try {
    await handle.sync()
    await handle.close()
    await rename(temporary, target)
  } catch (error) {
    throw new IngestError('QUERY_OUTPUT', { file: target }, error)
  }
}
