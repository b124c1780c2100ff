// Faults at named places: a store and a catalog that do what the real ones do, but for what a plan says about the n-th call.
// After a crash nothing works any more, as in a process that is gone; what had reached the disk stays.
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type ErrorCode, IngestError } from '../../src/shared/errors.ts'
import { type Catalog, formatTableName, type TableName } from '../../src/shared/iceberg/catalog.ts'
import { pathOfLocation } from '../../src/shared/store/file-location.ts'
import type { Store } from '../../src/shared/store/store.ts'

export type Table = 'main' | 'side'
export type PutKind = 'data' | 'manifest' | 'side manifest' | 'manifest list' | 'metadata'
/** A place where something can go wrong: what is written, and of which table. */
export type Point = `put ${PutKind} of ${Table}` | `create ${Table}` | `update ${Table}`

export type Fault =
  /** Nothing was written, and the caller is told. */
  | { readonly kind: 'fails'; readonly code: ErrorCode }
  /** It was written, and the caller is told that it was not, or nothing. */
  | { readonly kind: 'answer lost' }
  /** It never arrived, and the caller does not know. */
  | { readonly kind: 'request lost' }
  /** Something else happens just before. */
  | { readonly kind: 'meanwhile'; readonly act: () => Promise<void> }
  | { readonly kind: 'crash before' }
  /** Half of the bytes are there under a temporary name. */
  | { readonly kind: 'crash half-way' }
  | { readonly kind: 'crash after' }

/** The fault of a call, told its place, how often that place was passed before, and how many calls there were at all. */
export type FaultPlan = (point: Point, count: number, call: number) => Fault | null

export class Crash extends Error {}

export interface FaultyPorts {
  readonly store: Store
  readonly catalog: Catalog
  /** Every place in the order passed. */
  readonly passed: readonly Point[]
  readonly hasCrashed: () => boolean
}

/** `openCatalog` is given the faulty store, since a catalog writes its metadata files there. */
export function faultyPorts(inner: Store, openCatalog: (store: Store) => Catalog, plan: FaultPlan): FaultyPorts {
  const passed: Point[] = []
  let crashed = false
  const alive = (): void => {
    if (crashed) throw new Crash('the process is gone')
  }
  const crash = (): never => {
    crashed = true
    throw new Crash('crash')
  }
  const faultAt = (point: Point): Fault | null => {
    alive()
    const count = passed.filter((one) => one === point).length
    passed.push(point)
    return plan(point, count, passed.length - 1)
  }
  /** Runs a call under its fault. `lost` makes the answer of a caller who cannot know. */
  const under = async <T>(fault: Fault | null, run: () => Promise<T>, lost: () => T, half?: () => Promise<void>) => {
    if (fault?.kind === 'fails') throw new IngestError(fault.code, { reason: 'injected' })
    if (fault?.kind === 'request lost') return lost()
    if (fault?.kind === 'crash before') return crash()
    if (fault?.kind === 'crash half-way') {
      await half?.()
      return crash()
    }
    if (fault?.kind === 'meanwhile') await fault.act()
    const answer = await run()
    if (fault?.kind === 'crash after') return crash()
    return fault?.kind === 'answer lost' ? lost() : answer
  }
  const guard = <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      alive()
      return await call(...args)
    }
  }
  const store: Store = {
    root: inner.root,
    read: guard(inner.read),
    size: guard(inner.size),
    delete: guard(inner.delete),
    hint: guard(inner.hint),
    putIfAbsent: async (location, bytes) => {
      const fault = faultAt(`put ${kindOf(location)} of ${tableOf(location)}`)
      const lost = (): never => {
        throw new IngestError('STORE_IO', { location, reason: 'injected' })
      }
      await under(
        fault,
        () => inner.putIfAbsent(location, bytes),
        lost,
        () => writeHalf(location, bytes),
      )
    },
  }
  const catalog = openCatalog(store)
  const unknown = () => ({ kind: 'unknown', reason: 'injected' }) as const
  const tableNamed = (name: TableName): Table => (formatTableName(name).endsWith('_dead_letters') ? 'side' : 'main')
  return {
    store,
    passed,
    hasCrashed: () => crashed,
    catalog: {
      loadTable: guard((name) => catalog.loadTable(name)),
      listTables: guard(() => catalog.listTables()),
      createTable: async (name, table) => {
        const fault = faultAt(`create ${tableNamed(name)}`)
        return await under(fault, () => catalog.createTable(name, table), unknown)
      },
      updateTable: async (name, requirements, updates) => {
        const fault = faultAt(`update ${tableNamed(name)}`)
        return await under(fault, () => catalog.updateTable(name, requirements, updates), unknown)
      },
      close: () => catalog.close(),
    },
  }
}

const tableOf = (location: string): Table => (location.includes('_dead_letters/') ? 'side' : 'main')

function kindOf(location: string): PutKind {
  const name = basename(location)
  if (name.endsWith('.parquet')) return 'data'
  if (name.endsWith('.metadata.json')) return 'metadata'
  if (name.startsWith('snap-')) return 'manifest list'
  return name.startsWith('unconfirmed-') ? 'side manifest' : 'manifest'
}

/** As a put of the folder store leaves it that a crash cut: only ever under a temporary name. */
async function writeHalf(location: string, bytes: Uint8Array): Promise<void> {
  const path = pathOfLocation(location) ?? ''
  await mkdir(dirname(path), { recursive: true })
  await writeFile(join(dirname(path), `.k2-${randomUUID()}.tmp`), bytes.subarray(0, bytes.length >> 1))
}
