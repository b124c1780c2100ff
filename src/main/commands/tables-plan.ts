// k2 tables plan: what a run would do to the tables of some topics. Main thread; reads catalog and registry, changes nothing.
import { existsSync } from 'node:fs'
import { changeText } from '../../shared/avro/schema-evolution.ts'
import type { WriterSchema } from '../../shared/avro/writer-schema.ts'
import type { Config } from '../../shared/config.ts'
import { errorTable, IngestError } from '../../shared/errors.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import { openSqlCatalog } from '../../shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../shared/store/folder-store.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { planRoutes, type Route } from '../ingest/routes.ts'
import { openRegistry } from '../registry/open-registry.ts'
import { planTable, type TablePlan } from '../table-plan.ts'

type Verdict = TablePlan | { readonly kind: 'refuse'; readonly error: IngestError }

interface Planned {
  readonly route: Route
  readonly verdict: Verdict
}

/** Exit 1 where a table is refused. Errors: SCHEMA_UNKNOWN, REGISTRY_*, ROUTE_MISSING, and those of the catalog. */
export async function tablesPlanCommand(config: Config<'tables plan'>, io: CommandIo): Promise<number> {
  const { topic, catalog, warehouse } = config
  if (topic.kind !== 'names') {
    io.err.write(`--topic must name topics here, not a pattern: ${topic.pattern}\n`)
    return 2
  }
  const notice = (fields: Readonly<Record<string, string | number>>): void => io.err.write(jsonLine(fields))
  const registry = await openRegistry(config, { notice, stop: new AbortController().signal })
  const tables = existsSync(catalog.file)
    ? openSqlCatalog({ file: catalog.file, store: openFolderStore(warehouse) })
    : null
  try {
    const planned: Planned[] = []
    for (const route of planRoutes(topic.names, config.table, config.routes)) {
      const writers: WriterSchema[] = []
      for (const name of route.topics) {
        const schema = await registry.latestForTopic(name)
        if (schema === null) throw new IngestError('SCHEMA_UNKNOWN', { topic: name, subject: `${name}-value` })
        writers.push(schema)
      }
      const found = (await tables?.loadTable(route.table))?.metadata ?? null
      planned.push({ route, verdict: verdictOf(config, route, writers, found) })
    }
    io.out.write(config.json ? jsonLine({ tables: planned.map(document) }) : planned.map(render).join('\n'))
    return planned.some(({ verdict }) => verdict.kind === 'refuse') ? 1 : 0
  } finally {
    await tables?.close()
  }
}

function verdictOf(
  config: Config<'tables plan'>,
  route: Route,
  writers: readonly WriterSchema[],
  found: TableMetadata | null,
): Verdict {
  const { kafkaKey: keyColumn, kafkaHeaders: headersColumn, tombstone } = { ...config, ...route.rule?.options }
  try {
    return planTable(route.name, writers, { keyColumn, headersColumn, tombstone }, found, route.rule)
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    return { kind: 'refuse', error }
  }
}

function linesOf(verdict: Verdict): readonly string[] {
  switch (verdict.kind) {
    case 'make':
      return verdict.schema.fields.map(({ name, type, required }) => {
        const text = typeof type === 'string' ? type : type.type
        return `${name}: ${required ? '' : 'optional '}${text}`
      })
    case 'keep':
      return []
    case 'evolve':
      return verdict.changes.map(changeText)
    case 'refuse': {
      const { code, message } = verdict.error
      return [message, errorTable[code].help]
    }
  }
}

const sayings = {
  make: 'would be made',
  keep: 'stays as it is',
  evolve: 'would be changed before it is written',
  refuse: 'would be refused, and its topics not read',
} as const

const render = ({ route, verdict }: Planned): string =>
  [
    `${route.name} ${sayings[verdict.kind]} (${route.topics.join(', ')})`,
    ...linesOf(verdict).map((line) => `  ${line}`),
    '',
  ].join('\n')

const document = ({ route, verdict }: Planned) => ({
  table: route.name,
  topics: route.topics,
  plan: verdict.kind,
  lines: linesOf(verdict),
  ...(verdict.kind === 'make' ? { schema: verdict.schema, spec: verdict.spec } : {}),
  ...(verdict.kind === 'evolve' ? { changes: verdict.changes } : {}),
  ...(verdict.kind === 'refuse' ? { error: { code: verdict.error.code, ...verdict.error.context } } : {}),
})
