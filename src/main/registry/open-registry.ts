// From options to a schema registry: the folder of --schemas, or the servers of --registry. Main thread; the composition of
// src/shared/avro/http-registry*.ts with clock, chance and disk.

import { type HttpRegistry, openHttpRegistry } from '../../shared/avro/http-registry.ts'
import { openSchemaCache } from '../../shared/avro/http-registry-cache.ts'
import { RegistryClient } from '../../shared/avro/http-registry-client.ts'
import type { RegistryAuth } from '../../shared/avro/http-registry-errors.ts'
import { openFileRegistry, type SchemaRegistry } from '../../shared/avro/schema-registry.ts'
import type { Tell } from '../ingest/ingest-facts.ts'
import { patientRegistry } from './patient-registry.ts'

export interface RegistryAddress {
  /** Folder of the file registry. */
  readonly schemas: string
  /** Servers to ask instead; null: none. */
  readonly registry: readonly string[] | null
  readonly registryAuth: RegistryAuth | null
  /** Null: nothing is kept on disk. */
  readonly registryCache: string | null
}

export interface RegistryCaller {
  readonly notice: (fields: Readonly<Record<string, string | number>>) => void
  readonly stop: AbortSignal
  /** For whoever measures. */
  readonly tell?: Tell
}

const REQUEST_MS_MAX = 5_000
/** Then it is an error; or, where it is waited for, the first word on it. */
const DEADLINE_MS = 30_000
const PATIENT_DEADLINE_MS = 2_000
const ANSWER_BYTES_MAX = 4 * 1024 * 1024
const UNKNOWN_MS = 30_000

/** Errors: SCHEMA_INVALID for a folder that cannot be read; servers are asked only when a schema is wanted. */
export async function openRegistry(address: RegistryAddress, caller: RegistryCaller): Promise<SchemaRegistry> {
  const { schemas, registry } = address
  return registry === null ? openFileRegistry(schemas) : openServers({ ...address, registry }, caller)
}

/** As {@link openRegistry}; servers that do not answer are waited for until `stop` aborts. */
export async function openPatientRegistry(address: RegistryAddress, caller: RegistryCaller): Promise<SchemaRegistry> {
  const { schemas, registry } = address
  if (registry === null) return openFileRegistry(schemas)
  return patientRegistry(openServers({ ...address, registry }, caller, PATIENT_DEADLINE_MS), caller)
}

export function openServers(
  address: Omit<RegistryAddress, 'schemas'> & { readonly registry: readonly string[] },
  caller: RegistryCaller,
  deadlineMs = DEADLINE_MS,
): HttpRegistry {
  const { registry: urls, registryAuth: auth, registryCache } = address
  const now = (): number => performance.now()
  const client = new RegistryClient({
    urls,
    auth,
    requestMsMax: REQUEST_MS_MAX,
    deadlineMs,
    answerBytesMax: ANSWER_BYTES_MAX,
    now,
    random: Math.random,
    stop: caller.stop,
    asked: (outcome) => caller.tell?.({ kind: 'registry asked', outcome }),
  })
  const cache = registryCache === null ? null : openSchemaCache(registryCache, urls)
  return openHttpRegistry({ client, cache, unknownMs: UNKNOWN_MS, now, notice: caller.notice })
}
