// Rows of the error table on records: what makes one a dead letter, what keeps a topic of them from being stored, and what can be wrong
// with looking at them. Pure data; a part of errors.ts.
import type { ErrorRow } from './errors.ts'

export const recordErrors = {
  RECORD_NOT_FRAMED: {
    action: 'quarantine',
    text: 'value has no Confluent frame',
    help: 'the producer must write magic byte 0 and a schema id',
  },
  RECORD_SCHEMA_UNKNOWN: {
    action: 'quarantine',
    text: 'schema id not in the registry',
    help: 'register the schema, then replay',
  },
  RECORD_TRUNCATED: {
    action: 'quarantine',
    text: 'value ends before its last field',
    help: 'the producer wrote a cut value or another schema',
  },
  RECORD_TRAILING_BYTES: {
    action: 'quarantine',
    text: 'value goes on after its last field',
    help: 'the producer wrote another schema',
  },
  RECORD_VARINT: {
    action: 'quarantine',
    text: 'variable-length number too long or out of range',
    help: 'the producer wrote another schema',
  },
  RECORD_BOUND: {
    action: 'quarantine',
    text: 'length, count or depth beyond the bytes of the value',
    help: 'the producer wrote another schema',
  },
  RECORD_VALUE: {
    action: 'quarantine',
    text: 'value not allowed for its type',
    help: 'correct the producer, then replay',
  },
  RECORD_PARTITION_WINDOW: {
    action: 'quarantine',
    text: 'partition timestamp outside the window of the route',
    help: 'correct the producer, or widen the window, then replay',
  },
  TOPIC_ALL_BAD: {
    action: 'stop',
    text: 'every record of the topic has been bad since the run began, so it is held',
    help: 'mend what todo= says, or let its records become dead letters with --all-bad-max 0; see docs/dead-letters.md',
  },
  DEAD_LETTER_MISSING: {
    action: 'stop',
    text: 'no such dead letter',
    help: 'k2 dead-letters list names those there are',
  },
  EXPORT_NOT_WRITABLE: {
    action: 'stop',
    text: 'file of an export cannot be written',
    help: 'check --out-dir, its permissions and the space left; what ends in .jsonl there is whole',
  },
} as const satisfies Record<string, ErrorRow>
