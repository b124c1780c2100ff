// Probes of what a run reads and of the state of its tables: registry, clock, and whether each table would be taken. Main thread; the
// same pure functions decide as in a run. Invariant: tables are read, and nothing is made.
import { existsSync } from 'node:fs'
import { deadLettersSchema } from '../../shared/avro/iceberg-mapping.ts'
import { changeText } from '../../shared/avro/schema-evolution.ts'
import type { WriterSchema } from '../../shared/avro/writer-schema.ts'
import { outsideLog, recreatedTopic } from '../../shared/commit/guards.ts'
import { nextOffset, type Positions } from '../../shared/commit/positions.ts'
import { readPositions } from '../../shared/commit/read-positions.ts'
import { countRows } from '../../shared/commit/row-evidence.ts'
import { APPLIED_PROPERTY } from '../../shared/commit/side-tables.ts'
import { misfit } from '../../shared/commit/table-fit.ts'
import type { Config } from '../../shared/config.ts'
import { IngestError } from '../../shared/errors.ts'
import { type Catalog, formatTableName } from '../../shared/iceberg/catalog.ts'
import { currentSchema } from '../../shared/iceberg/current-layout.ts'
import type { TableMetadata } from '../../shared/iceberg/metadata.ts'
import { openSqlCatalog } from '../../shared/iceberg/sql-catalog.ts'
import type { RouteRule } from '../../shared/routes/route-rule.ts'
import { patternText } from '../../shared/routes/route-topics.ts'
import { openFolderStore } from '../../shared/store/folder-store.ts'
import type { Store } from '../../shared/store/store.ts'
import type { SourcePartition } from '../ingest/record-source.ts'
import { planRoutes, type Route } from '../ingest/routes.ts'
import { openRegistry } from '../registry/open-registry.ts'
import { planTable, type TablePlan } from '../table-plan.ts'
import { type Check, failed, failure, okay, probe, unknown } from './check.ts'

/** Guard 12: a clock that differs more must not commit. */
const CLOCK_MS_MAX = 30_000
const REGISTRY_MS_MAX = 10_000

/** Newest schemas of each route's topics by its name; a route without any is absent. */
export async function probeRegistry(
  config: Config<'run'>,
  routes: readonly Route[],
): Promise<{ readonly checks: readonly Check[]; readonly writers: ReadonlyMap<string, readonly WriterSchema[]> }> {
  const writers = new Map<string, WriterSchema[]>()
  const topics = routes.flatMap((route) => route.topics)
  const ask = async (): Promise<readonly string[]> => {
    const stop = AbortSignal.timeout(REGISTRY_MS_MAX)
    const registry = await openRegistry(config, { notice: () => undefined, stop })
    const found: string[] = []
    // Without a topic that is there, any question shows whether it answers.
    if (topics.length === 0) await registry.latestForTopic('k2-run-check')
    for (const route of routes) {
      for (const topic of route.topics) {
        const schema = await registry.latestForTopic(topic)
        if (schema === null) throw new IngestError('SCHEMA_UNKNOWN', { topic, subject: `${topic}-value` })
        found.push(`${topic}: schema ${schema.id}`)
        writers.set(route.name, [...(writers.get(route.name) ?? []), schema])
      }
    }
    return found
  }
  const name = config.registry === null ? 'schemas' : 'registry'
  const place = config.registry?.join(', ') ?? config.schemas
  const say = (found: readonly string[]): string =>
    `${place}: ${topics.length === 0 ? 'answers; no topic is there to ask for' : found.slice(0, 5).join(', ')}`
  const { check } = await probe(name, ask, say)
  return { checks: [check, await clockCheck(config)], writers }
}

/** By the Date header of the registry: the only server of a run that tells the time (RFC 9110, section 6.6.1). */
async function clockCheck({ registry }: Config<'run'>): Promise<Check> {
  const [url] = registry ?? []
  if (url === undefined) return unknown('clock', 'no server of this run tells the time')
  const answer = await fetch(url, { signal: AbortSignal.timeout(REGISTRY_MS_MAX) }).catch(() => null)
  const told = Date.parse(answer?.headers.get('date') ?? '')
  if (Number.isNaN(told)) return unknown('clock', 'the registry does not tell the time')
  const awayMs = Math.abs(Date.now() - told)
  const found = `${Math.round(awayMs / 1000)} s away from that of the registry`
  return awayMs <= CLOCK_MS_MAX ? okay('clock', found) : failed('clock', found, 'set the clock of this machine by NTP')
}

/** Routes of the partitions. Errors as a check: ROUTE_MISSING. */
export function probeRoutes(
  config: Config<'run'>,
  partitions: readonly SourcePartition[],
): { readonly routes: readonly Route[]; readonly checks: readonly Check[] } {
  try {
    const named = config.topic.kind === 'names' ? config.topic.names : []
    const names = partitions.length === 0 ? named : partitions.map(({ topicName }) => topicName)
    const routes = planRoutes(names, config.table, config.routes)
    return { routes, checks: names.length === 0 ? [] : config.routes.map((rule) => ruleCheck(rule, routes)) }
  } catch (error) {
    return { routes: [], checks: [failure('routes', error)] }
  }
}

/** Where an entry of the config file leads. One that nothing reaches is told, since its topics may be yet to come. */
function ruleCheck(rule: RouteRule, routes: readonly Route[]): Check {
  const own = routes.filter((route) => route.rule === rule)
  if (own.length === 0) return unknown(rule.path, `no topic comes here: ${rule.topics.map(patternText).join(', ')}`)
  const listed = own.slice(0, 5).map(({ topics, name }) => `${topics.slice(0, 5).join(', ')} → ${name}`)
  return okay(rule.path, listed.join('; '))
}

/** One check a table. */
export async function probeTables(
  config: Config<'run'>,
  routes: readonly Route[],
  partitions: readonly SourcePartition[],
  writers: ReadonlyMap<string, readonly WriterSchema[]>,
): Promise<readonly Check[]> {
  const { file } = config.catalog
  const known = (route: Route): readonly WriterSchema[] => writers.get(route.name) ?? []
  if (!existsSync(file)) {
    const ask = async (route: Route): Promise<string> => toBeMade(config, route, known(route))
    return Promise.all(
      routes.map(
        async (route) =>
          (
            await probe(
              `table ${route.name}`,
              () => ask(route),
              (found) => found,
            )
          ).check,
      ),
    )
  }
  const store = openFolderStore(config.warehouse)
  let catalog: Catalog
  try {
    catalog = openSqlCatalog({ file, store })
  } catch (error) {
    return [failure('tables', error)]
  }
  try {
    const checks: Check[] = []
    for (const route of routes) {
      const own = partitions.filter(({ topicName }) => route.topics.includes(topicName))
      const ask = () => stateOf({ config, catalog, store, route, partitions: own, writers: known(route) })
      checks.push((await probe(`table ${route.name}`, ask, (found) => found)).check)
    }
    return checks
  } finally {
    await catalog.close()
  }
}

interface TableProbe {
  readonly config: Config<'run'>
  readonly catalog: Catalog
  readonly store: Store
  readonly route: Route
  readonly partitions: readonly SourcePartition[]
  /** None where the registry did not tell. */
  readonly writers: readonly WriterSchema[]
}

/** What a run would find. Errors: those it would stop with. */
async function stateOf({ config, catalog, store, route, partitions, writers }: TableProbe): Promise<string> {
  const loaded = await catalog.loadTable(route.table)
  if (loaded === null) return toBeMade(config, route, writers)
  const { metadata } = loaded
  const positions = await trusted(store, metadata, route.name)
  const plan = planOf(config, route, writers, metadata)
  const change = plan?.kind === 'evolve' ? `; ${plan.changes.map(changeText).join('; ')}` : ''
  if (positions === null) return `is empty, and would be taken${change}`
  const problem = recreatedTopic(positions, partitions) ?? outsideLog(positions, partitions)
  if (problem !== null) throw problem
  await requireSide(catalog, route)
  const lag = partitions.reduce(
    (sum, { topic, partition, logEnd, start }) => sum + logEnd - (nextOffset(positions, topic, partition) ?? start),
    0n,
  )
  return `goes on where it stands, ${lag} offsets behind${change}`
}

/** Errors: those of a table that cannot be made as the route chooses. */
function toBeMade(config: Config<'run'>, route: Route, writers: readonly WriterSchema[]): string {
  planOf(config, route, writers, null)
  return 'is not there yet; a run makes it'
}

/** Null where the registry did not tell of a writer. Errors: those of {@link planTable}. */
function planOf(
  config: Config<'run'>,
  route: Route,
  writers: readonly WriterSchema[],
  found: TableMetadata | null,
): TablePlan | null {
  if (writers.length === 0) return null
  const { kafkaKey: keyColumn, kafkaHeaders: headersColumn, tombstone } = { ...config, ...route.rule?.options }
  return planTable(route.name, writers, { keyColumn, headersColumn, tombstone }, found, route.rule)
}

/** Null: an empty table that would be taken. */
async function trusted(store: Store, metadata: TableMetadata, table: string): Promise<Positions | null> {
  const verdict = readPositions(metadata)
  switch (verdict.kind) {
    case 'none':
      if (metadata.snapshots.length > 0) throw new IngestError('TABLE_FOREIGN', { table })
      return null
    case 'trusted':
      return verdict.positions
    case 'stop':
      throw new IngestError('POSITIONS_UNTRUSTED', { table, reason: verdict.reason })
    case 'evidence': {
      const { rows, ranges } = verdict.evidence
      if ((await countRows(store, metadata, ranges)) === rows) return verdict.positions
      throw new IngestError('POSITIONS_UNTRUSTED', { table, reason: 'rows-missing' })
    }
  }
}

async function requireSide(catalog: Catalog, { table }: Route): Promise<void> {
  const side = { ...table, name: `${table.name}_dead_letters` }
  const name = formatTableName(side)
  const metadata = (await catalog.loadTable(side))?.metadata
  if (metadata === undefined) throw new IngestError('SIDE_TABLE_MISSING', { table: name })
  if (metadata.properties[APPLIED_PROPERTY] === undefined) throw new IngestError('TABLE_FOREIGN', { table: name })
  const problem = misfit(deadLettersSchema(), currentSchema(metadata))
  if (problem !== null) throw new IngestError('TABLE_MISFIT', { table: name, problem })
}
