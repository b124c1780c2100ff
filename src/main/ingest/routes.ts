// Which topic goes into which table. Pure. Invariant: a topic has one route; topics that share a table share its route, since
// positions of one table are moved by one line of commits.
import { IngestError } from '../../shared/errors.ts'
import { formatTableName, type TableName } from '../../shared/iceberg/catalog.ts'

export interface Route {
  /** Name of the route, as dead letters and logs show it: the table's. */
  readonly name: string
  readonly table: TableName
  readonly topics: readonly string[]
}

/**
 * Groups topics by table: the one given, or by the rule `market.{asset_class}.{data_type}.{exchange}` →
 * `market_data.{data_type}_v2` (design section 2). Errors: ROUTE_MISSING for a topic outside the rule without a table.
 */
export function planRoutes(topics: readonly string[], table: TableName | null): Route[] {
  const routes = new Map<string, { table: TableName; topics: string[] }>()
  for (const topic of [...new Set(topics)].sort()) {
    const target = table ?? tableByRule(topic)
    const name = formatTableName(target)
    const held = routes.get(name)
    if (held === undefined) routes.set(name, { table: target, topics: [topic] })
    else held.topics.push(topic)
  }
  return [...routes].map(([name, route]) => ({ name, ...route }))
}

const RULE = /^market\.[^.]+\.([a-z][a-z0-9_]*)\.[^.]+$/

/** The table of a topic by its name. */
export function tableByRule(topic: string): TableName {
  const dataType = RULE.exec(topic)?.[1]
  if (dataType === undefined) throw new IngestError('ROUTE_MISSING', { topic })
  return { namespace: ['market_data'], name: `${dataType}_v2` }
}
