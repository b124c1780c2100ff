// k2 tables show and list: the tables of a catalog, in full or a line each. Main thread; reads only.
// Exit code 1 where a table, or the source that was named, cannot be read; the others are shown all the same.
import { resolve } from 'node:path'
import type { Config } from '../../shared/config.ts'
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import { locationOfPath, pathOfLocation } from '../../shared/store/file-location.ts'
import { type CommandIo, describeError, jsonLine } from '../command.ts'
import type { OpenedTable } from '../open-tables.ts'
import { type CatalogView, type Seen, seeTables, type UnreadableTable } from '../tables/each-table.ts'
import { sideFacts } from '../tables/health-facts.ts'
import { kindOf } from '../tables/table-kind.ts'
import { lookAtTable } from '../tables/table-look.ts'
import { positionsIn, progressOf, sourceOf } from '../tables/table-progress.ts'
import { type ReaderLine, readerLines } from '../terminal/reader-lines.ts'
import { styleFor } from '../terminal/style.ts'
import { tableDocument } from '../terminal/table-document.ts'
import { type ListedTable, listDocument, renderList } from '../terminal/table-list.ts'
import { renderTableReport, type TableReport } from '../terminal/table-report.ts'

export async function tablesShowCommand(config: Config<'tables show'>, io: CommandIo): Promise<number> {
  const seen = await seeTables(config, io.err, (opened, view) => reportOf(opened, view, config))
  const documents = seen.map((each) => (each.kind === 'seen' ? tableDocument(each.value) : problemDocument(each)))
  io.out.write(config.json ? jsonLine({ tables: documents }) : renderAll(seen, io))
  const isWhole = seen.every((each) => each.kind === 'seen' && each.value.source.kind !== 'failed')
  return isWhole ? 0 : 1
}

const renderAll = (seen: ReadonlyArray<Seen<TableReport>>, io: CommandIo): string => {
  const style = styleFor(io.out)
  if (seen.length === 0) return 'no tables in this catalog\n'
  return seen
    .map((each) =>
      each.kind === 'seen'
        ? renderTableReport(each.value, style)
        : `${style.bold(formatTableName(each.name))}  ${style.red(each.error.message)}\n`,
    )
    .join('\n')
}

/** A table that cannot be read, in a list of those that can. */
export const problemDocument = ({ name, error }: UnreadableTable): object => ({
  table: formatTableName(name),
  error: describeError(error),
})

async function reportOf(opened: OpenedTable, view: CatalogView, config: Config<'tables show'>): Promise<TableReport> {
  const look = await lookAtTable(opened, view)
  const kind = kindOf(opened.name, look.metadata, view.names)
  const progress = progressOf(look.metadata)
  const isMain = kind.kind === 'main'
  return {
    look,
    kind,
    progress,
    source: isMain ? await sourceOf(config, positionsIn(progress)) : { kind: 'unnamed' },
    sides: isMain && look.metadata.snapshots.length > 0 ? await sideFacts(opened.name, view.catalog) : [],
    readers: readersOf(look.table, look.metadataLocation, config),
    nowMs: Date.now(),
    byPartition: config.byPartition,
  }
}

const readersOf = (table: string, metadataLocation: string, config: Config<'tables show'>): readonly ReaderLine[] =>
  readerLines({
    table,
    catalogFile: resolve(config.catalog.file),
    warehouse: locationOfPath(config.warehouse),
    metadataFile: pathOfLocation(metadataLocation) ?? metadataLocation,
  })

export async function tablesListCommand(config: Config<'tables list'>, io: CommandIo): Promise<number> {
  const seen = await seeTables({ ...config, table: null }, io.err, async ({ name, metadata }, view) => ({
    kind: 'seen' as const,
    name,
    metadata,
    tableKind: kindOf(name, metadata, view.names),
  }))
  const tables = seen.map((each) => (each.kind === 'seen' ? (each.value satisfies ListedTable) : each))
  const text = (): string => renderList(tables, Date.now(), styleFor(io.out))
  io.out.write(config.json ? jsonLine({ tables: tables.map(listDocument) }) : text())
  return tables.every(({ kind }) => kind === 'seen') ? 0 : 1
}
