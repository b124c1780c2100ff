// Errors of `k2 query`: rows of the one table in errors.ts. Pure data.
import type { ErrorRow } from './errors.ts'

export const queryErrors = {
  QUERY_INPUT: { action: 'stop', text: 'query cannot be read', help: 'give it as an argument, by --file or on stdin' },
  QUERY_SQL: { action: 'stop', text: 'query is not one that DuckDB runs', help: 'correct it where its message points' },
  QUERY_LIMIT: {
    action: 'stop',
    text: 'query went beyond its limit and was ended',
    help: 'narrow it, or raise the limit',
  },
  QUERY_PROCESS: {
    action: 'stop',
    text: 'process of the query was ended',
    help: 'nothing else was touched; if the system ended it for want of memory, lower --memory',
  },
  QUERY_OUTPUT: {
    action: 'stop',
    text: 'output of the query cannot be written',
    help: 'check --output and --format; a file of that name is as it was',
  },
  QUERY_AS_OF: {
    action: 'stop',
    text: 'table has no such point in time',
    help: 'see what there is in <table>_snapshots and <table>_refs, or with k2 tables show',
  },
  QUERY_UNSUPPORTED: {
    action: 'stop',
    text: 'query needs what k2 query does not read',
    help: 'delete files and other formats go away when the engine that wrote them compacts the table',
  },
} as const satisfies Record<string, ErrorRow>
