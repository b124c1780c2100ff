// The coordinator's end of the commit thread. Main thread. Invariant: every call is answered or, when the thread ends before that,
// rejected with WORKER_DIED; the process then exits, and the table says where the next one goes on.
import { Worker } from 'node:worker_threads'
import type { RouteSpec } from '../../shared/commit/route-spec.ts'
import { type Failure, fromFailure, IngestError } from '../../shared/errors.ts'
import type { TableName } from '../../shared/iceberg/catalog.ts'
import type {
  ChangeReply,
  CommitFact,
  CommitGroup,
  CommitReply,
  CommitterAnswer,
  CommitterCall,
  ExpireReply,
  PositionsChange,
  RouteTables,
} from '../../shared/messages.ts'
import { workerUrl } from '../worker-url.ts'

export interface CommitterHandle {
  open(route: RouteSpec): Promise<RouteTables>
  commit(route: string, group: CommitGroup): Promise<CommitReply>
  /** Resolves once the thread answers. */
  ping(): Promise<void>
  /** Sets positions, outside of any route. */
  change(change: PositionsChange): Promise<ChangeReply>
  /** Expires snapshots of one table. */
  expire(table: TableName): Promise<ExpireReply>
  /** Brings side files into their tables and ends the thread. */
  close(): Promise<void>
}

export interface CommitterHandleOptions {
  readonly catalogFile: string
  readonly warehouse: string
  /** What the committer retries or waits for, for the log. */
  readonly notice: (fields: Readonly<Record<string, string | number>>) => void
  readonly fact: (fact: CommitFact) => void
}

type Answered = Exclude<CommitterAnswer, { kind: 'notice' } | { kind: 'fact' } | { kind: 'failed' }>
type CallBody = CommitterCall extends infer C ? (C extends CommitterCall ? Omit<C, 'call'> : never) : never

interface Waiting {
  readonly resolve: (answer: Answered) => void
  readonly reject: (error: Error) => void
}

export function openCommitter(options: CommitterHandleOptions): CommitterHandle {
  const worker = new Worker(workerUrl('commit-worker'), {
    workerData: { catalogFile: options.catalogFile, warehouse: options.warehouse },
  })
  const waiting = new Map<number, Waiting>()
  let died: IngestError | null = null
  let calls = 0

  const fail = (error: IngestError): void => {
    died ??= error
    for (const call of waiting.values()) call.reject(died)
    waiting.clear()
  }
  worker.on('message', (answer: CommitterAnswer) => {
    if (answer.kind === 'notice') {
      options.notice(answer.fields)
      return
    }
    if (answer.kind === 'fact') {
      options.fact(answer.fact)
      return
    }
    const call = waiting.get(answer.call)
    waiting.delete(answer.call)
    if (answer.kind === 'failed') call?.reject(failureError(answer.failure))
    else call?.resolve(answer)
  })
  worker.on('error', (error) => fail(new IngestError('WORKER_DIED', { thread: 'commit' }, error)))
  worker.on('exit', (code) => fail(new IngestError('WORKER_DIED', { thread: 'commit', exitCode: code })))

  const ask = (body: CallBody): Promise<Answered> => {
    if (died !== null) return Promise.reject(died)
    const call = ++calls
    return new Promise((resolve, reject) => {
      waiting.set(call, { resolve, reject })
      worker.postMessage({ ...body, call })
    })
  }
  return {
    open: async (route) => {
      const answer = await ask({ kind: 'open', route })
      if (answer.kind !== 'opened') throw new Error(`answer ${answer.kind} to open`)
      return answer.tables
    },
    commit: async (route, group) => {
      const answer = await ask({ kind: 'commit', route, group })
      if (answer.kind !== 'committed') throw new Error(`answer ${answer.kind} to commit`)
      return answer.reply
    },
    ping: async () => {
      await ask({ kind: 'ping' })
    },
    change: async (change) => {
      const answer = await ask({ kind: 'change', change })
      if (answer.kind !== 'changed') throw new Error(`answer ${answer.kind} to change`)
      return answer.reply
    },
    expire: async (table) => {
      const answer = await ask({ kind: 'expire', table })
      if (answer.kind !== 'expired') throw new Error(`answer ${answer.kind} to expire`)
      return answer.reply
    },
    close: async () => {
      if (died === null) await ask({ kind: 'close' })
      await worker.terminate()
    },
  }
}

const failureError = (failure: Failure): Error => fromFailure(failure)
