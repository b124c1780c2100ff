// What an expiry of ours must leave as it was: the line from the head to the last snapshot of ours (LINE_CUT), and refs that are not
// what the plan found old, such as a lease renewed meanwhile (REF_LOST).
import { ancestry } from '../../src/shared/commit/ancestry.ts'
import type { TableMetadata } from '../../src/shared/iceberg/metadata.ts'
import { violate, type World } from './world.ts'

export function judgeExpiry(
  world: World,
  planned: TableMetadata['refs'],
  before: TableMetadata,
  after: TableMetadata,
): void {
  if (isMarkVisible(before) && !isMarkVisible(after)) violate(world, 'LINE_CUT')
  for (const [name, ref] of Object.entries(before.refs)) {
    if (after.refs[name] === undefined && planned[name]?.['snapshot-id'] !== ref['snapshot-id'])
      violate(world, 'REF_LOST')
  }
}

const isMarkVisible = (metadata: TableMetadata): boolean => {
  const mark = metadata.refs['k2']?.['snapshot-id']
  return mark !== undefined && ancestry(metadata).line.some((each) => each['snapshot-id'] === mark)
}
