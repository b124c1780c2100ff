// Rows of a table in a SQL catalog and a folder, by an independent Parquet reader, in the order of their Kafka offsets.
import { branchHead } from '../../src/shared/iceberg/append.ts'
import { listFiles } from '../../src/shared/iceberg/read-table.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import type { Row } from './column-maker.ts'
import type { Place } from './k2-process.ts'
import { parquetRows } from './parquet-rows.ts'

/** All rows of `market_data.<name>`. */
export async function tableRows(place: Place, name: string): Promise<Row[]> {
  const store = openFolderStore(place.warehouse)
  const catalog = openSqlCatalog({ file: place.catalog, store })
  try {
    const metadata = (await catalog.loadTable({ namespace: ['market_data'], name }))?.metadata
    const head = metadata === undefined ? null : branchHead(metadata, 'main')
    if (metadata === undefined || head === null) return []
    const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
    if (schema === undefined) throw new Error(`${name} has no current schema`)
    const rows: Row[] = []
    for (const { file } of (await listFiles(store, head)).dataFiles) {
      rows.push(...(await parquetRows(await store.read(file.location), schema)))
    }
    return rows.toSorted((a, b) => Number(a['kafka_offset']) - Number(b['kafka_offset']))
  } finally {
    await catalog.close()
  }
}
