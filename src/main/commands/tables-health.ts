// k2 tables health: verdicts on the tables of K2, with reasons and what to do. Main thread; reads only.
// Exit code 1 where something is bad, so that a cron job need not read the text: also where there is no table of K2 at all.
import type { Config } from '../../shared/config.ts'
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { withCatalog } from '../open-tables.ts'
import { seeTables } from '../tables/each-table.ts'
import { checkHealth } from '../tables/health.ts'
import { gatherFacts } from '../tables/health-facts.ts'
import { looksOwn } from '../tables/table-kind.ts'
import { styleFor } from '../terminal/style.ts'
import {
  healthDocument,
  isHealthy,
  renderHealth,
  type TableHealth,
  unreadableHealth,
} from '../terminal/table-health.ts'

/** Without --table: the tables of K2. One that was asked for is looked at whoever wrote it. */
export async function tablesHealthCommand(config: Config<'tables health'>, io: CommandIo): Promise<number> {
  const tables = await healthOf(config, io)
  io.out.write(config.json ? jsonLine(healthDocument(tables)) : renderHealth(tables, styleFor(io.out)))
  return isHealthy(tables) ? 0 : 1
}

async function healthOf(config: Config<'tables health'>, io: CommandIo): Promise<readonly TableHealth[]> {
  const names = await withCatalog(config, (catalog) => catalog.listTables())
  const seen = await seeTables(config, io.err, async (opened, view): Promise<TableHealth> => {
    const facts = await gatherFacts(opened, view, config)
    return { table: formatTableName(opened.name), kind: facts.kind, checks: checkHealth(facts) }
  })
  return seen.flatMap((each) => {
    if (each.kind === 'unreadable') return [unreadableHealth(each, looksOwn(each.name, names))]
    return config.table === null && each.value.kind?.kind === 'other' ? [] : [each.value]
  })
}
