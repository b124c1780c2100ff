// What a commit asserts about the table it was built on (REST catalog spec, TableRequirement). Pure, any thread.
// A failed requirement means that another commit came first: the caller reloads and checks again, never just resends.
import { assertNever } from '../errors.ts'
import type { TableMetadata, TableRequirement } from './metadata.ts'

/**
 * Checks requirements in order against the current metadata, null where there is no table.
 * Returns the first failure as a reason (lower case, no full stop), or null where all hold.
 */
export function checkRequirements(
  metadata: TableMetadata | null,
  requirements: readonly TableRequirement[],
): string | null {
  for (const requirement of requirements) {
    const reason = checkOne(metadata, requirement)
    if (reason !== null) return reason
  }
  return null
}

function checkOne(metadata: TableMetadata | null, requirement: TableRequirement): string | null {
  if (requirement.type === 'assert-create') return metadata === null ? null : 'table exists already'
  if (metadata === null) return 'table does not exist'
  switch (requirement.type) {
    case 'assert-table-uuid':
      return differs('table uuid', metadata['table-uuid'].toLowerCase(), requirement.uuid.toLowerCase())
    case 'assert-ref-snapshot-id':
      return differs(
        `snapshot of ${requirement.ref}`,
        metadata.refs[requirement.ref]?.['snapshot-id'] ?? null,
        requirement['snapshot-id'],
      )
    case 'assert-current-schema-id':
      return differs('current schema id', metadata['current-schema-id'], requirement['current-schema-id'])
    case 'assert-last-assigned-field-id':
      return differs('last assigned field id', metadata['last-column-id'], requirement['last-assigned-field-id'])
    case 'assert-default-spec-id':
      return differs('default spec id', metadata['default-spec-id'], requirement['default-spec-id'])
    default:
      return assertNever(requirement)
  }
}

function differs<T extends string | number | bigint | null>(what: string, found: T, expected: T): string | null {
  return found === expected ? null : `${what} is ${found ?? 'none'}, expected ${expected ?? 'none'}`
}
