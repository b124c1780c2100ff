// Which topic goes into which table. Pure. Invariant: a topic has one route; topics that share a table share its route, since
// positions of one table are moved by one line of commits.
import { IngestError } from '../../shared/errors.ts'
import { formatTableName, type TableName } from '../../shared/iceberg/catalog.ts'
import type { RouteRule } from '../../shared/routes/route-rule.ts'
import { fillTable, matchTopic } from '../../shared/routes/route-topics.ts'

export interface Route {
  /** Name of the route, as dead letters and logs show it: the table's. */
  readonly name: string
  readonly table: TableName
  readonly topics: readonly string[]
  /** The entry of the config file that it comes from; absent where there are none. */
  readonly rule?: RouteRule
}

interface Target {
  readonly table: TableName
  readonly rule?: RouteRule
}

/**
 * Groups topics by table: that of the first entry that fits, or the one given, or by the rule
 * `market.{asset_class}.{data_type}.{exchange}` → `market_data.{data_type}_v2` (design section 2).
 * Errors: ROUTE_MISSING for a topic that none of these fits, ROUTE_CONFLICT where two entries lead into one table.
 */
export function planRoutes(
  topics: readonly string[],
  table: TableName | null,
  rules: readonly RouteRule[] = [],
): Route[] {
  const routes = new Map<string, Target & { readonly topics: string[] }>()
  for (const topic of [...new Set(topics)].sort()) {
    const target = rules.length > 0 ? targetByRules(topic, rules) : { table: table ?? tableByRule(topic) }
    const name = formatTableName(target.table)
    const held = routes.get(name)
    if (held === undefined) routes.set(name, { ...target, topics: [topic] })
    else if (held.rule === target.rule) held.topics.push(topic)
    else {
      const other = { other: held.topics[0] ?? '', otherRoute: held.rule?.path ?? '' }
      throw new IngestError('ROUTE_CONFLICT', { table: name, topic, route: target.rule?.path ?? '', ...other })
    }
  }
  return [...routes].map(([name, route]) => ({ name, ...route }))
}

function targetByRules(topic: string, rules: readonly RouteRule[]): Target {
  for (const rule of rules) {
    const captures = matchTopic(rule.topics, topic)
    if (captures === null) continue
    const text = fillTable(rule.table, captures)
    const namespace = text.split('.')
    const name = namespace.pop()
    if (name === undefined || !/^[\w-]+(\.[\w-]+)+$/.test(text)) {
      throw new IngestError('ROUTE_MISSING', { topic, route: rule.path, table: text, reason: 'no name of a table' })
    }
    return { table: { namespace, name }, rule }
  }
  throw new IngestError('ROUTE_MISSING', { topic, routes: rules.length })
}

const RULE = /^market\.[^.]+\.([a-z][a-z0-9_]*)\.[^.]+$/

/** The table of a topic by its name. */
export function tableByRule(topic: string): TableName {
  const dataType = RULE.exec(topic)?.[1]
  if (dataType === undefined) throw new IngestError('ROUTE_MISSING', { topic })
  return { namespace: ['market_data'], name: `${dataType}_v2` }
}
