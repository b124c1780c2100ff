// A registry that is waited for. Main thread. Invariant: a schema that cannot be asked for now holds up the line that needs it,
// and is neither "unknown" nor the end of the line: the same question is put again until it is answered or the run stops.
import { setTimeout as sleep } from 'node:timers/promises'
import type { SchemaRegistry } from '../../shared/avro/schema-registry.ts'
import { IngestError } from '../../shared/errors.ts'
import type { RegistryCaller } from './open-registry.ts'

const WAIT_MS_FIRST = 1_000
const WAIT_MS_MAX = 15_000

/** As `registry`, but errors of action `retry` only come through once `stop` aborts. */
export function patientRegistry(registry: SchemaRegistry, caller: RegistryCaller): SchemaRegistry {
  return {
    schemaById: (id) => patiently({ schemaId: id }, () => registry.schemaById(id), caller),
    latestForTopic: (topic) => patiently({ topic }, () => registry.latestForTopic(topic), caller),
  }
}

async function patiently<T>(
  what: Readonly<Record<string, string | number>>,
  ask: () => Promise<T>,
  { notice, stop, tell }: RegistryCaller,
): Promise<T> {
  let tries = 1
  try {
    for (; ; tries++) {
      try {
        const answer = await ask()
        if (tries > 1) notice({ event: 'the schema registry answers again', ...what, tries })
        return answer
      } catch (error) {
        if (!(error instanceof IngestError) || error.action !== 'retry' || stop.aborted) throw error
        const waitMs = Math.min(WAIT_MS_MAX, WAIT_MS_FIRST * 2 ** Math.min(tries - 1, 10))
        notice({ event: 'paused: the schema registry does not answer', ...what, error: error.message, tries, waitMs })
        if (tries === 1) tell?.({ kind: 'registry waits', change: 1, why: error.message })
        await sleep(waitMs, undefined, { signal: stop }).catch(() => undefined)
      }
    }
  } finally {
    if (tries > 1) tell?.({ kind: 'registry waits', change: -1, why: '' })
  }
}
