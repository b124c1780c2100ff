// k2 positions show: the progress that each table carries. Main thread; reads only.
import { type ReadVerdict, readPositions } from '../../shared/commit/read-positions.ts'
import type { Config } from '../../shared/config.ts'
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { mapTables } from '../open-tables.ts'
import { positionsDocument, renderPositions, type TablePositions } from '../terminal/positions.ts'
import { styleFor } from '../terminal/style.ts'

/** Exit code 1 where positions of a table are not to be trusted. Without --table, tables without positions are left out. */
export async function positionsShowCommand(config: Config<'positions show'>, io: CommandIo): Promise<number> {
  const all = await mapTables(config, async ({ name, metadata }) => ({
    table: formatTableName(name),
    verdict: readPositions(metadata),
  }))
  const shown = config.table === null ? all.filter(({ verdict }) => verdict.kind !== 'none') : all
  io.out.write(config.json ? jsonLine({ tables: shown.map(positionsDocument) }) : renderAll(shown, io))
  return shown.some(({ verdict }: { readonly verdict: ReadVerdict }) => verdict.kind === 'stop') ? 1 : 0
}

const renderAll = (tables: readonly TablePositions[], io: CommandIo): string =>
  tables.length === 0
    ? 'no table of this catalog has positions: k2 has not written here\n'
    : tables.map((table) => renderPositions(table, styleFor(io.out))).join('\n')
