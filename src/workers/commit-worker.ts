// Thread entry of the committer: owns the catalog connection and the only handle that writes metadata. Invariant: each call is
// answered once, in whatever order the routes finish; what the world does comes back as a failure, our own bugs end the thread.
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { commitLimits } from '../shared/commit/commit-limits.ts'
import { assert, assertNever, toFailure } from '../shared/errors.ts'
import { openSqlCatalog } from '../shared/iceberg/sql-catalog.ts'
import type { CommitFact, CommitterAnswer, CommitterCall } from '../shared/messages.ts'
import { openFolderStore } from '../shared/store/folder-store.ts'
import { type Committer, createCommitter } from './committer.ts'
import type { CommitterLog } from './committer-io.ts'
import { openAttemptsMax, openPatiently } from './open-catalog.ts'

export interface CommitWorkerData {
  readonly catalogFile: string
  readonly warehouse: string
}

assert(parentPort !== null, 'the committer runs as a thread')
const port = parentPort
const answer = (message: CommitterAnswer): void => port.postMessage(message)

// The one cast of this file: worker_threads types workerData as any; the coordinator sends exactly this.
const { catalogFile, warehouse } = workerData as CommitWorkerData
let opening: Promise<Committer> | null = null
const log: CommitterLog = (fields) => answer({ kind: 'notice', fields })
const tell = (fact: CommitFact): void => answer({ kind: 'fact', fact })

/** Opened with the first call, so that a catalog that cannot be opened is that call's failure. */
async function opened(): Promise<Committer> {
  opening ??= open()
  try {
    return await opening
  } catch (error) {
    opening = null
    throw error
  }
}

async function open(): Promise<Committer> {
  const store = openFolderStore(warehouse)
  const io = { limits: commitLimits, sleep: (ms: number) => sleep(ms), log, tell }
  const catalog = await openPatiently(() => openSqlCatalog({ file: catalogFile, store }), io, openAttemptsMax)
  return createCommitter({ catalog, store, log, tell })
}

port.on('message', (call: CommitterCall) => {
  handle(call).catch((error: unknown) => answer({ kind: 'failed', call: call.call, failure: toFailure(error) }))
})

async function handle(call: CommitterCall): Promise<void> {
  switch (call.kind) {
    case 'open':
      answer({ kind: 'opened', call: call.call, tables: await (await opened()).open(call.route) })
      return
    case 'commit':
      answer({ kind: 'committed', call: call.call, reply: await (await opened()).commit(call.route, call.group) })
      return
    case 'ping':
      answer({ kind: 'alive', call: call.call })
      return
    case 'change':
      answer({ kind: 'changed', call: call.call, reply: await (await opened()).change(call.change) })
      return
    case 'expire':
      answer({ kind: 'expired', call: call.call, reply: await (await opened()).expire(call.table) })
      return
    case 'close':
      await (await opening)?.close()
      answer({ kind: 'closed', call: call.call })
      port.close()
      return
    default:
      assertNever(call)
  }
}
