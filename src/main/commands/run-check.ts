// k2 run --check: whether a run with these options could begin, and what keeps it from it. Main thread.
// Invariant: it joins no group and changes nothing, but for a probe file that it takes away again.
import type { Config } from '../../shared/config.ts'
import type { Check } from '../check/check.ts'
import { catalogCheck, nodeCheck, warehouseCheck } from '../check/check-place.ts'
import { probeSource } from '../check/check-source.ts'
import { probeRegistry, probeRoutes, probeTables } from '../check/check-tables.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { renderChecks } from '../terminal/checks.ts'
import { styleFor } from '../terminal/style.ts'

/** Exit 0 where nothing failed. */
export async function runCheckCommand(config: Config<'run'>, io: CommandIo): Promise<number> {
  const checks = await allChecks(config)
  const isGood = checks.every(({ verdict }) => verdict !== 'failed')
  io.out.write(config.json ? jsonLine({ ok: isGood, checks }) : renderChecks(checks, styleFor(io.out)))
  return isGood ? 0 : 1
}

async function allChecks(config: Config<'run'>): Promise<readonly Check[]> {
  const source = await probeSource(config)
  const partitions = source.partitions ?? []
  const { routes, checks: routing } = probeRoutes(config, partitions)
  const registry = await probeRegistry(config, routes)
  return [
    nodeCheck(process.version),
    ...source.checks,
    ...routing,
    ...registry.checks,
    await warehouseCheck(config.warehouse),
    await catalogCheck(config.catalog.file),
    ...(await probeTables(config, routes, partitions, registry.writers)),
  ]
}
