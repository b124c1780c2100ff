// k2 positions show: the progress that each table carries, and the lag against its source. Main thread; reads only.
import { type ReadVerdict, readPositions } from '../../shared/commit/read-positions.ts'
import { kafkaTopicsOf } from '../../shared/commit/replay-position.ts'
import type { Config } from '../../shared/config.ts'
import { formatTableName } from '../../shared/iceberg/catalog.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import type { SourcePartition } from '../ingest/record-source.ts'
import { mapTables } from '../open-tables.ts'
import { lookAtSource } from '../source-look.ts'
import { positionsDocument, renderPositions, type TablePositions } from '../terminal/positions.ts'
import { styleFor } from '../terminal/style.ts'

/** Exit code 1 where positions of a table are not to be trusted. Without --table, tables without positions are left out. */
export async function positionsShowCommand(config: Config<'positions show'>, io: CommandIo): Promise<number> {
  const all = await mapTables(config, async ({ name, metadata }): Promise<TablePositions> => {
    const verdict = readPositions(metadata)
    return { table: formatTableName(name), verdict, metadata, source: await sourceOf(config, verdict) }
  })
  const shown = config.table === null ? all.filter(({ verdict }) => verdict.kind !== 'none') : all
  io.out.write(config.json ? jsonLine({ tables: shown.map(positionsDocument) }) : renderAll(shown, io))
  return shown.some(({ verdict }) => verdict.kind === 'stop') ? 1 : 0
}

/** What the source says of the topics of a table; null where none is named. */
async function sourceOf(
  config: Config<'positions show'>,
  verdict: ReadVerdict,
): Promise<readonly SourcePartition[] | null> {
  if (!('positions' in verdict)) return null
  const names = [...new Set(kafkaTopicsOf(verdict.positions).map(([, { name }]) => name))]
  return names.length === 0 ? [] : lookAtSource(config, { kind: 'names', names }, { kind: 'earliest' })
}

const renderAll = (tables: readonly TablePositions[], io: CommandIo): string =>
  tables.length === 0
    ? 'no table of this catalog has positions: k2 has not written here\n'
    : tables.map((table) => renderPositions(table, styleFor(io.out))).join('\n')
