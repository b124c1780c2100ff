// Commands that take the same options, named once for the rows of options.ts. Pure data.
// Invariant: every list names commands of the command table; the compiler refuses another.
import { commandNames } from './command-table.ts'

/** For options that every command takes. */
export const EVERY_COMMAND = commandNames

/** What opens a catalog. */
export const READS_TABLES = [
  'run',
  'verify',
  'positions show',
  'positions set',
  'positions adopt',
  'tables show',
  'tables plan',
  'tables list',
  'tables snapshots',
  'tables files',
  'tables health',
  'dead-letters list',
  'dead-letters show',
  'dead-letters summary',
  'dead-letters export',
  'dead-letters replay',
  'tables expire',
  'query',
] as const
