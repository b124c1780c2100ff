// k2 tables snapshots and files: what a table keeps, newest or largest first. Main thread; reads only.
// Exit code 1 where a table cannot be read; the others are shown all the same.
import type { Config } from '../../shared/config.ts'
import { branchHead, loadManifestList } from '../../shared/iceberg/append.ts'
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import type { OpenedTable } from '../open-tables.ts'
import { type CatalogView, type Seen, seeTables } from '../tables/each-table.ts'
import { FileChoice } from '../tables/file-rows.ts'
import { listRefs, listSnapshots, oldestSnapshot } from '../tables/snapshot-rows.ts'
import { eachManifest, onPinned } from '../tables/table-look.ts'
import { positionsIn, progressOf } from '../tables/table-progress.ts'
import { currentSchemaOf } from '../terminal/schema-text.ts'
import { type Style, styleFor } from '../terminal/style.ts'
import { filesDocument, snapshotsDocument } from '../terminal/table-document.ts'
import { renderFiles, type TableFiles } from '../terminal/table-files.ts'
import { renderSnapshots, type TableSnapshots } from '../terminal/table-snapshots.ts'
import { problemDocument } from './tables.ts'

export async function tablesSnapshotsCommand(config: Config<'tables snapshots'>, io: CommandIo): Promise<number> {
  const nowMs = Date.now()
  const seen = await seeTables(config, io.err, async ({ name, metadata }): Promise<TableSnapshots> => {
    const positions = positionsIn(progressOf(metadata))
    const sinceMs = sinceOf(config, nowMs)
    return {
      table: formatTableName(name),
      ...listSnapshots(metadata, positions, { limit: config.limit, sinceMs }),
      refs: listRefs(metadata),
      oldestMs: oldestSnapshot(metadata)?.['timestamp-ms'] ?? null,
      nowMs,
    }
  })
  return print(seen, config, io, snapshotsDocument, renderSnapshots)
}

function sinceOf({ since }: Config<'tables snapshots'>, nowMs: number): number | null {
  if (since === null) return null
  return since.kind === 'time' ? since.ms : nowMs - since.ms
}

export async function tablesFilesCommand(config: Config<'tables files'>, io: CommandIo): Promise<number> {
  const seen = await seeTables(config, io.err, (opened, view) => filesOf(opened, view, config))
  return print(seen, config, io, filesDocument, renderFiles)
}

function filesOf(opened: OpenedTable, view: CatalogView, config: Config<'tables files'>): Promise<TableFiles> {
  return onPinned(opened, view.catalog, async ({ name, metadata }) => {
    const table = formatTableName(name)
    const head = branchHead(metadata, 'main')
    const { partition, sort, limit } = config
    const choice = new FileChoice(metadata, { partition, order: sort, limit })
    const manifests = head === null ? [] : await loadManifestList(view.store, head)
    await eachManifest(table, manifests, view, ({ entries, manifest }) => {
      for (const entry of entries) choice.add(entry, manifest.specId)
    })
    return { table, location: metadata.location, columns: tellingColumns(metadata), ...choice.chosen() }
  })
}

/** Where rows came from, and what the table is partitioned by. */
function tellingColumns(metadata: TableMetadata): readonly string[] {
  const spec = metadata['partition-specs'].find((each) => each['spec-id'] === metadata['default-spec-id'])
  const sources = new Set((spec?.fields ?? []).map((field) => field['source-id']))
  const { fields } = currentSchemaOf(metadata)
  const partitioning = fields.filter(({ id }) => sources.has(id)).map(({ name }) => name)
  return [...new Set([...partitioning, 'kafka_partition', 'kafka_offset'])]
}

/** One section or document a table. */
function print<T>(
  seen: ReadonlyArray<Seen<T>>,
  { json }: { readonly json: boolean },
  io: CommandIo,
  documentOf: (value: T) => object,
  render: (value: T, style: Style) => string,
): number {
  const style = styleFor(io.out)
  const isWhole = seen.every(({ kind }) => kind === 'seen')
  if (json) {
    const tables = seen.map((each) => (each.kind === 'seen' ? documentOf(each.value) : problemDocument(each)))
    io.out.write(jsonLine({ tables }))
    return isWhole ? 0 : 1
  }
  const texts = seen.map((each) =>
    each.kind === 'seen'
      ? render(each.value, style)
      : `${style.bold(formatTableName(each.name))}  ${style.red(each.error.message)}\n`,
  )
  io.out.write(texts.length === 0 ? 'no tables in this catalog\n' : texts.join('\n'))
  return isWhole ? 0 : 1
}
