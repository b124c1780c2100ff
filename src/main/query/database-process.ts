// The process in which DuckDB runs a query: started, asked, ended. Main thread. Invariants: it is another process, so that what a query
// does to memory or to itself never touches a run; it ends with its parent; after close() it has ended.
import { type ChildProcess, fork } from 'node:child_process'
import { IngestError } from '../../shared/errors.ts'
import type { DatabaseLimits, QueryReply, QueryRequest } from '../../shared/query/query-messages.ts'
import { workerUrl } from '../worker-url.ts'

/** Memory of the process beside that of DuckDB, for rows on their way out. */
const HEAP_MIB_MAX = 512

/** Why it was killed, in words of the error. */
interface End {
  readonly code: 'QUERY_LIMIT' | 'QUERY_PROCESS'
  readonly context: Readonly<Record<string, string | number>>
}

export class DatabaseProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  readonly #replies: QueryReply[] = []
  #wake: (() => void) | null = null
  #end: IngestError | null = null
  #killed: End | null = null

  /** `output`: descriptor that text results are written to. */
  constructor(limits: DatabaseLimits, output: number) {
    const child = fork(workerUrl('query-worker'), [String(limits.memoryBytes), String(limits.threads)], {
      stdio: ['ignore', output, 'inherit', 'ipc'],
      execArgv: [`--max-old-space-size=${HEAP_MIB_MAX}`],
    })
    this.#child = child
    child.on('message', (message) => {
      // The cast: the other end of this channel is our own query-worker.
      this.#replies.push(message as QueryReply)
      this.#wake?.()
    })
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.#end ??= new IngestError('QUERY_PROCESS', {}, error)
        this.#wake?.()
        if (child.pid === undefined) resolve()
      })
      child.on('close', (code, signal) => {
        const { code: errorCode, context } = this.#killed ?? {
          code: 'QUERY_PROCESS' as const,
          context: signal === null ? { exitCode: code ?? -1 } : { signal },
        }
        this.#end ??= new IngestError(errorCode, context)
        this.#wake?.()
        resolve()
      })
    })
  }

  /** Next reply. Errors: QUERY_PROCESS, or why it was killed. */
  async next(): Promise<QueryReply> {
    for (;;) {
      const reply = this.#replies.shift()
      if (reply !== undefined) return reply
      if (this.#end !== null) throw this.#end
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = null
    }
  }

  send(request: QueryRequest): void {
    // A process that is gone is told by next().
    if (this.#child.connected) this.#child.send(request, () => undefined)
  }

  kill(why: End): void {
    this.#killed ??= why
    this.#child.kill('SIGKILL')
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
