// Thread entry of the committer: owns the catalog connection and the only handle that writes metadata. Invariant: each call is
// answered once, in whatever order the routes finish; what the world does comes back as a failure, our own bugs end the thread.
import { parentPort, workerData } from 'node:worker_threads'
import { assert, assertNever, toFailure } from '../shared/errors.ts'
import { openSqlCatalog } from '../shared/iceberg/sql-catalog.ts'
import type { CommitterAnswer, CommitterCall } from '../shared/messages.ts'
import { openFolderStore } from '../shared/store/folder-store.ts'
import { type Committer, createCommitter } from './committer.ts'

export interface CommitWorkerData {
  readonly catalogFile: string
  readonly warehouse: string
}

assert(parentPort !== null, 'the committer runs as a thread')
const port = parentPort
const answer = (message: CommitterAnswer): void => port.postMessage(message)

// The one cast of this file: worker_threads types workerData as any; the coordinator sends exactly this.
const { catalogFile, warehouse } = workerData as CommitWorkerData
let committer: Committer | null = null

/** Opened with the first call, so that a catalog that cannot be opened is that call's failure. */
function opened(): Committer {
  if (committer === null) {
    const store = openFolderStore(warehouse)
    committer = createCommitter({
      catalog: openSqlCatalog({ file: catalogFile, store }),
      store,
      log: (fields) => answer({ kind: 'notice', fields }),
    })
  }
  return committer
}

port.on('message', (call: CommitterCall) => {
  handle(call).catch((error: unknown) => answer({ kind: 'failed', call: call.call, failure: toFailure(error) }))
})

async function handle(call: CommitterCall): Promise<void> {
  switch (call.kind) {
    case 'open':
      answer({ kind: 'opened', call: call.call, tables: await opened().open(call.route) })
      return
    case 'commit':
      answer({ kind: 'committed', call: call.call, reply: await opened().commit(call.route, call.group) })
      return
    case 'close':
      await committer?.close()
      answer({ kind: 'closed', call: call.call })
      port.close()
      return
    default:
      assertNever(call)
  }
}
