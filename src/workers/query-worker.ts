// Entry of the process that runs DuckDB for `k2 query`; started by main/query/database-process.ts with its limits as arguments, it
// answers one `parse` and one `run` on the channel to its parent. Invariant: it never outlives its parent, and gives way to whatever
// else the machine does.
import { constants, setPriority } from 'node:os'
import type { QueryReply, QueryRequest } from '../shared/query/query-messages.ts'
import { openDatabase } from './query-database.ts'

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
// The terminal sends Ctrl-C to both: the parent decides, and still has the lease to give back.
process.on('SIGINT', () => undefined)
try {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
} catch {
  // Not everywhere allowed, and no reason not to answer.
}

const [memoryBytes = '', threads = ''] = process.argv.slice(2)
const database = openDatabase({ memoryBytes: Number(memoryBytes), threads: Number(threads) })

const send = (reply: QueryReply): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send?.(reply, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })

// The cast: the other end of this channel is our own command.
process.on('message', (message) => {
  void answer(message as QueryRequest)
})

async function answer(request: QueryRequest): Promise<void> {
  const opened = await database
  if (request.kind === 'parse') await send(await opened.parse(request))
  else await opened.run(request, send)
}
