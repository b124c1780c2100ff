// A process of the two-process test: opens the same catalog file and commits `count` empty snapshots, reloading after each
// conflict. Prints its snapshot ids. Started as a child: argv = file, warehouse, first snapshot id, count.
import { openSqlCatalog } from '../../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../../src/shared/store/folder-store.ts'
import { newTable, snapshotOf } from './table-fixture.ts'

const [file = '', warehouse = '', first = '', count = ''] = process.argv.slice(2)
const name = { namespace: ['n'], name: 't' }
const store = openFolderStore(warehouse)
const catalog = openSqlCatalog({ file, store, busyMsMax: 20_000 })
const created = await catalog.createTable(
  name,
  newTable(`${store.root}/t`, { 'write.metadata.previous-versions-max': '5' }),
)
const landed: bigint[] = []
let conflictCount = 0
while (landed.length < Number(count)) {
  const loaded = await catalog.loadTable(name)
  if (loaded === null) throw new Error('the table is gone')
  const { metadata } = loaded
  const head = metadata['current-snapshot-id']
  const id = BigInt(first) + BigInt(landed.length)
  const outcome = await catalog.updateTable(
    name,
    [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': head }],
    [
      { action: 'add-snapshot', snapshot: snapshotOf(id, head, metadata['last-sequence-number'] + 1n, Date.now()) },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
    ],
  )
  if (outcome.kind === 'done') landed.push(id)
  else if (outcome.kind === 'conflict') conflictCount++
  else throw new Error(`${outcome.kind}: ${outcome.reason}`)
}
await catalog.close()
console.log(JSON.stringify({ created: created.kind, landed: landed.map(String), conflictCount }))
