import { expect, test, vi } from 'vitest'
import type { Tell } from '../../../src/main/ingest/ingest-facts.ts'
import { patientRegistry } from '../../../src/main/registry/patient-registry.ts'
import type { SchemaRegistry } from '../../../src/shared/avro/schema-registry.ts'
import { IngestError } from '../../../src/shared/errors.ts'

const away = new IngestError('REGISTRY_UNAVAILABLE', { url: 'http://a', request: 'GET /', reason: 'gone' })

function world(...ends: readonly (null | Error)[]) {
  const left = [...ends]
  const notices: Readonly<Record<string, string | number>>[] = []
  const answer = async (): Promise<null> => {
    const end = left.shift() ?? null
    if (end !== null) throw end
    return null
  }
  const registry: SchemaRegistry = { schemaById: answer, latestForTopic: answer }
  const stop = new AbortController()
  const notice = (fields: Readonly<Record<string, string | number>>): void => void notices.push(fields)
  let waits = 0
  const tell: Tell = (fact) => {
    if (fact.kind === 'registry waits') waits += fact.change
  }
  return {
    registry: patientRegistry(registry, { notice, tell, stop: stop.signal }),
    ...{ notices, stop, left },
    waits: () => waits,
  }
}

test('a registry that is down is waited for, which is said, and so is its return', async () => {
  const { registry, notices, waits } = world(away, null)
  const answer = registry.schemaById(7)
  await vi.waitFor(() => expect(waits()).toBe(1))
  expect(await answer).toBeNull()
  expect(waits()).toBe(0)
  expect(notices).toMatchObject([
    { event: 'paused: the schema registry does not answer', schemaId: 7, tries: 1, waitMs: 1000 },
    { event: 'the schema registry answers again', schemaId: 7, tries: 2 },
  ])
})

test('waiting ends with the stop, as the error that it is', async () => {
  const { registry, stop, waits } = world(away, away, away)
  setTimeout(() => stop.abort(), 20)
  const startMs = performance.now()
  await expect(registry.latestForTopic('a')).rejects.toBe(away)
  expect(performance.now() - startMs).toBeLessThan(900)
  expect(waits()).toBe(0)
})

test('what waiting does not help is thrown at once', async () => {
  const refused = new IngestError('REGISTRY_REFUSED', { url: 'http://a', request: 'GET /', reason: 'status 401' })
  const { registry, notices, left } = world(refused, null)
  await expect(registry.schemaById(7)).rejects.toBe(refused)
  expect([notices.length, left.length]).toEqual([0, 1])
})
