// k2 tables show: the tables of a catalog and how others read them. Main thread; reads only.
import { resolve } from 'node:path'
import type { Config } from '../../shared/config.ts'
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import { listFiles } from '../../shared/iceberg/read-table.ts'
import { locationOfPath, pathOfLocation } from '../../shared/store/file-location.ts'
import type { Store } from '../../shared/store/store.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { mapTables, type OpenedTable } from '../open-tables.ts'
import { readerLines } from '../terminal/reader-lines.ts'
import { styleFor } from '../terminal/style.ts'
import { type FileTotals, renderTableReport, type TableReport, tableDocument } from '../terminal/table-report.ts'

export async function tablesShowCommand(config: Config<'tables show'>, io: CommandIo): Promise<number> {
  const reports = await mapTables(
    config,
    async (opened, store): Promise<TableReport> => ({
      table: formatTableName(opened.name),
      metadata: opened.metadata,
      metadataLocation: opened.metadataLocation,
      totals: await countFiles(opened.metadata, store),
      readers: readersOf(opened, config),
    }),
  )
  io.out.write(config.json ? jsonLine({ tables: reports.map(tableDocument) }) : renderAll(reports, io))
  return 0
}

const renderAll = (reports: readonly TableReport[], io: CommandIo): string =>
  reports.length === 0
    ? 'no tables in this catalog\n'
    : reports.map((report) => renderTableReport(report, styleFor(io.out))).join('\n')

const readersOf = (opened: OpenedTable, config: Config<'tables show'>): TableReport['readers'] =>
  readerLines({
    table: formatTableName(opened.name),
    catalogFile: resolve(config.catalog.file),
    warehouse: locationOfPath(config.warehouse),
    metadataFile: pathOfLocation(opened.metadataLocation) ?? opened.metadataLocation,
  })

async function countFiles(metadata: TableMetadata, store: Store): Promise<FileTotals> {
  const head = metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === metadata['current-snapshot-id'])
  if (head === undefined) return { dataFiles: 0, rows: 0, bytes: 0, deleteFiles: 0 }
  const { dataFiles, deleteFiles } = await listFiles(store, head)
  return {
    dataFiles: dataFiles.length,
    rows: dataFiles.reduce((sum, { file }) => sum + file.recordCount, 0),
    bytes: dataFiles.reduce((sum, { file }) => sum + file.sizeBytes, 0),
    deleteFiles: deleteFiles.length,
  }
}
