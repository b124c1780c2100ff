// The structured log: one JSON line an event, transactions first of all. Main thread; written synchronously, so that the line of
// a commit is on the disk's way before anything follows it, also where the process is killed right after.
import { openSync } from 'node:fs'
import { type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'
import { IngestError } from '../shared/errors.ts'
import type { Transaction } from '../shared/messages.ts'

export type Log = Logger

export type LogTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stderr' }
  /** stderr is a terminal, where a line per commit would drown the batch table: warnings and errors only. */
  | { readonly kind: 'terminal' }

/** Where a command logs: `--log-file`, else stderr. */
export const logTarget = (path: string | null, stderr: { readonly isTerminal: boolean }): LogTarget =>
  path !== null ? { kind: 'file', path } : { kind: stderr.isTerminal ? 'terminal' : 'stderr' }

/** Errors: LOG_NOT_WRITABLE. */
export function openLog(target: LogTarget): Log {
  const destination = pino.destination({ dest: target.kind === 'file' ? openFile(target.path) : 2, sync: true })
  return pino(
    {
      level: target.kind === 'terminal' ? 'warn' : 'info',
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err },
    },
    destination,
  )
}

function openFile(path: string): number {
  try {
    return openSync(path, 'a')
  } catch (error) {
    throw new IngestError('LOG_NOT_WRITABLE', { file: path }, error)
  }
}

/** The transaction log line of one snapshot. */
export function logTransaction(log: Log, transaction: Transaction): void {
  log.info(transaction, 'Iceberg transaction committed')
}
