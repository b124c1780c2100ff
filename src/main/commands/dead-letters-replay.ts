// k2 dead-letters replay: dead letters that can be read by now become rows, exactly once. Main thread. Invariant: killed anywhere and
// begun again, or begun twice, no record becomes two rows: see replay.ts.
import { existsSync } from 'node:fs'
import type { Config } from '../../shared/config.ts'
import { IngestError } from '../../shared/errors.ts'
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import { openSqlCatalog } from '../../shared/iceberg/sql-catalog.ts'
import { locationOfPath } from '../../shared/store/file-location.ts'
import { openFolderStore } from '../../shared/store/folder-store.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { openCommitter } from '../ingest/committer-handle.ts'
import { openEncodePool } from '../ingest/encode-pool.ts'
import { filterOf } from '../letter-tables.ts'
import { openRegistry } from '../registry/open-registry.ts'
import { type ReplayPorts, replayLetters } from '../replay/replay.ts'
import type { ReplayReport } from '../replay/replay-report.ts'
import { openProgressLine } from '../terminal/progress.ts'
import { renderReplay, replayDocument } from '../terminal/replay.ts'
import { formatNumber, styleFor } from '../terminal/style.ts'

type ReplayConfig = Config<'dead-letters replay'>

/** Exit 0: all that can be rows are. Errors: those of `replayLetters`. */
export async function deadLettersReplayCommand(config: ReplayConfig, io: CommandIo): Promise<number> {
  const table = formatTableName(config.table)
  const report = await withPorts(config, io, (ports) => {
    const line = openProgressLine(io.err)
    const { table: name, dryRun, partitionWindowFirstUs: windowFirstUs, partitionWindowAheadMs } = config
    return replayLetters(ports, {
      table: name,
      filter: filterOf(config),
      dryRun,
      batchSize: config.batchSize,
      windowFirstUs,
      windowAheadUs: (BigInt(partitionWindowAheadMs) * 1000n).toString(),
      location: locationOfPath(config.warehouse),
      progress: (rows) => line.showText(`${formatNumber(rows)} dead letters are rows`),
    }).finally(() => line.clear())
  })
  if (config.json) io.out.write(jsonLine({ table, dry_run: config.dryRun, ...replayDocument(report) }))
  else io.out.write(renderReplay(table, report, config.dryRun, styleFor(io.out)))
  return 0
}

async function withPorts(
  config: ReplayConfig,
  io: CommandIo,
  use: (ports: ReplayPorts) => Promise<ReplayReport>,
): Promise<ReplayReport> {
  const { warehouse, workers } = config
  const catalogFile = config.catalog.file
  if (!existsSync(catalogFile))
    throw new IngestError('CATALOG_UNREADABLE', { file: catalogFile, reason: 'no such file' })
  const notice = ({ event, ...rest }: Readonly<Record<string, string | number>>): void => {
    if (event === 'committed') return
    io.err.write(`${event}: ${Object.values(rest).join(' ')}\n`)
  }
  const stop = new AbortController().signal
  const registry = await openRegistry(config, { notice, stop })
  const store = openFolderStore(warehouse)
  const catalog = openSqlCatalog({ file: catalogFile, store })
  const tell = (): void => undefined
  const pool = openEncodePool({ workers, warehouse, parquetEncoder: 'auto', registry, tell, notice, stop })
  try {
    return await use({
      catalog,
      store,
      registry,
      pool,
      openCommitter: () => openCommitter({ catalogFile, warehouse, notice, fact: tell }),
    })
  } finally {
    await pool.close()
    await catalog.close()
  }
}
