// k2 verify: the proof that tables hold what the source holds. Main thread; reads only.
import { existsSync } from 'node:fs'
import type { Config } from '../../shared/config.ts'
import { IngestError } from '../../shared/errors.ts'
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import { openSqlCatalog } from '../../shared/iceberg/sql-catalog.ts'
import type { Topics } from '../../shared/option-values.ts'
import { openFolderStore } from '../../shared/store/folder-store.ts'
import { logDirectory } from '../../shared/verify/log-partitions.ts'
import type { VerifyReport } from '../../shared/verify/report.ts'
import type { VerifySource } from '../../shared/verify/verify-source.ts'
import { type VerifyProgress, verifyTable } from '../../shared/verify/verify-table.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { planRoutes, type Route } from '../ingest/routes.ts'
import { openRegistry } from '../registry/open-registry.ts'
import { openProgressLine } from '../terminal/progress.ts'
import { renderProof } from '../terminal/proof.ts'
import { styleFor } from '../terminal/style.ts'

/** Above any bound a run would be given: what was ingested must be readable here. */
const decompressedBytesMax = 1024 * 1024 * 1024

/** Brokers are asked again for so long: one may restart, a partition may get another leader. */
const BROKERS_MS_MAX = 60_000

/** Exit code 1 unless every table compared equals its source. */
export async function verifyCommand(config: Config<'verify'>, io: CommandIo): Promise<number> {
  const reports = await verifyTables(config, io)
  const isEqual = reports.every((report) => report.verdict === 'equal')
  const style = styleFor(io.out)
  if (config.json) io.out.write(jsonLine({ verdict: isEqual ? 'equal' : 'different', tables: reports }))
  else io.out.write(reports.map((report) => renderProof(report, style)).join('\n'))
  return isEqual ? 0 : 1
}

async function verifyTables(config: Config<'verify'>, io: CommandIo): Promise<readonly VerifyReport[]> {
  const source = await openSource(config, io)
  try {
    return await verifyRoutes(config, source, io)
  } finally {
    await source.close()
  }
}

async function openSource(config: Config<'verify'>, io: CommandIo): Promise<VerifySource> {
  const { source, brokers } = config
  if (source !== null) return logDirectory(source)
  if (brokers === null) throw new Error('the options let through a proof without a source')
  // Loaded only when there are brokers.
  const { brokerSource } = await import('../verify/broker-source.ts')
  const notice = ({ event, reason }: Readonly<Record<string, string | number>>): void => {
    io.err.write(`${event}: ${reason}\n`)
  }
  const { signal } = new AbortController()
  return brokerSource({ ...config, brokers }, { msMax: BROKERS_MS_MAX, signal, notice })
}

async function verifyRoutes(
  config: Config<'verify'>,
  source: VerifySource,
  io: CommandIo,
): Promise<readonly VerifyReport[]> {
  const logs = await source.partitions(topicFilter(config.topic))
  const routes = planRoutes(
    logs.map((log) => log.topicName),
    config.table,
    config.routes,
  )
  const { file } = config.catalog
  if (!existsSync(file)) throw new IngestError('CATALOG_UNREADABLE', { file, reason: 'no such file' })
  const registry = await openRegistry(config, { notice: () => {}, stop: new AbortController().signal })
  const store = openFolderStore(config.warehouse)
  const catalog = openSqlCatalog({ file, store })
  const line = openProgressLine(io.err)
  try {
    const reports: VerifyReport[] = []
    for (const route of routes) {
      const request = {
        catalog,
        store,
        source,
        table: route.table,
        topics: (name: string) => route.topics.includes(name),
        schemas: async (id: number) => (await registry.schemaById(id))?.json ?? null,
        decompressedBytesMax,
        now: Date.now,
      }
      reports.push(await verifyTable(request, (progress) => line.showText(progressText(route, progress))))
    }
    return reports
  } finally {
    line.clear()
    await catalog.close()
  }
}

/** Kafka's own topics never match a pattern, only their name. */
function topicFilter(topics: Topics): (name: string) => boolean {
  if (topics.kind === 'names') return (name) => topics.names.includes(name)
  const pattern = new RegExp(topics.pattern)
  return (name) => !name.startsWith('__') && pattern.test(name)
}

const units: Readonly<Record<VerifyProgress['stage'], string>> = {
  source: 'partitions of the source',
  'dead letters': 'files of dead letters',
  table: 'files of the table',
  'second look': 'differing buckets',
}

const progressText = ({ table }: Route, { stage, done, total }: VerifyProgress): string =>
  `verifying ${formatTableName(table)}: ${done} of ${total} ${units[stage]}`
