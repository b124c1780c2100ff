// Replays the dead letters of one table: their bytes go through the encode pool and the committer once more, and what is a row now is
// committed, exactly once (docs/protocol.md, guard 11). Main thread.
//
//   letters of the side table ─▶ chunks by code ─▶ encode pool ─▶ data files ─▶ groups ─▶ committer
//        │ rows of main already,                      │ still bad: counted,                │ another replay was first:
//        ▼ or of an unknown schema: left              ▼ stays a dead letter                ▼ begin again from the table
//
// Invariant: what is sent was looked for in main at a state that has the very replay position on which the commit insists.

import { createHash, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { parseAvroSchema } from '../../shared/avro/avro-schema.ts'
import { sideTableSpec } from '../../shared/avro/iceberg-mapping.ts'
import type { SchemaRegistry } from '../../shared/avro/schema-registry.ts'
import { fitWriter } from '../../shared/avro/writer-fit.ts'
import { canonicalJson } from '../../shared/commit/canonical-json.ts'
import type { ReplayWork } from '../../shared/commit/commit-work.ts'
import { REPLAY_KEY, REPLAY_TOPIC, replayMark, replayStart } from '../../shared/commit/replay-position.ts'
import type { RouteSpec } from '../../shared/commit/route-spec.ts'
import { tableLayout } from '../../shared/commit/table-layout.ts'
import { fromFailure, IngestError } from '../../shared/errors.ts'
import type { Catalog, TableName } from '../../shared/iceberg/catalog.ts'
import type { LetterHead } from '../../shared/letters/dead-letter.ts'
import type { LetterFilter } from '../../shared/letters/letter-filter.ts'
import { type PinnedLetters, pinLetters } from '../../shared/letters/pinned-letters.ts'
import type { CommitGroup, RoutePolicy, TableLayout } from '../../shared/messages.ts'
import { partitionKey, topicIdOf } from '../../shared/offsets.ts'
import type { Store } from '../../shared/store/store.ts'
import { type ChunkItems, chunk, mapInOrder } from '../../shared/streams.ts'
import type { Encoded } from '../ingest/chunk-request.ts'
import type { CommitterHandle } from '../ingest/committer-handle.ts'
import type { EncodePool } from '../ingest/encode-pool.ts'
import { letterBatches } from './letter-batches.ts'
import { type LetterChunk, letterChunks } from './replay-chunks.ts'
import { ReplayReport } from './replay-report.ts'

export interface ReplayPorts {
  /** Of this thread, for reading only. */
  readonly catalog: Catalog
  readonly store: Store
  readonly registry: SchemaRegistry
  readonly pool: Pick<EncodePool, 'encode' | 'know' | 'workers'>
  /** Opened once there is a row to commit. */
  readonly openCommitter: () => CommitterHandle
}

export interface ReplayOptions {
  readonly table: TableName
  readonly filter: LetterFilter
  /** Most rows of one commit. */
  readonly batchSize: number
  /** Nothing is put, nothing committed. */
  readonly dryRun: boolean
  readonly windowFirstUs: string
  readonly windowAheadUs: string
  /** Root of new tables; none is made. */
  readonly location: string
  readonly progress: (rows: number) => void
}

const ROUTE = 'dead letters'
const GROUP = 'k2 dead-letters replay'
/** Another replay, or another engine that changes the layout, is given way so often. */
const RESTARTS_MAX = 20
const CHUNK_LETTERS_MAX = 10_000
const GROUP_BYTES_MAX = 128 * 1024 * 1024
const GROUP_FILES_MAX = 1_000
const GROUP_AGE_MS_MAX = 10_000
/** Larger than any record batch a run would be given. */
const DECOMPRESSED_BYTES_MAX = 1024 * 1024 * 1024
/** Rows that evidence names. */
const EVIDENCE_ROWS_MAX = 20
const OFFSET_MAX = 0x7fffffffffffffffn

/** Errors: TABLE_*, SIDE_TABLE_MISSING, POSITIONS_*, REGISTRY_*, COMMIT_*, STORE_*, WORKER_DIED. */
export async function replayLetters(ports: ReplayPorts, options: ReplayOptions): Promise<ReplayReport> {
  let report = new ReplayReport()
  const committer: { handle: CommitterHandle | null } = { handle: null }
  try {
    for (let tries = 1; ; tries++) {
      const replay = await openReplay(ports, options, report, () => (committer.handle ??= ports.openCommitter()))
      if ((await replay.run()) === 'done') return report
      if (tries >= RESTARTS_MAX) throw new IngestError('COMMIT_GAVE_UP', { table: replay.table, attempts: tries })
      report = report.again()
    }
  } finally {
    await committer.handle?.close()
  }
}

async function openReplay(
  ports: ReplayPorts,
  options: ReplayOptions,
  report: ReplayReport,
  committer: () => CommitterHandle,
): Promise<Replay> {
  const pinned = await pinLetters(ports, options.table)
  const [remark] = pinned.remarks
  if (pinned.positions === null) {
    throw new IngestError('POSITIONS_UNTRUSTED', { table: pinned.table, reason: remark ?? '' })
  }
  return new Replay(ports, options, report, committer, pinned, pinned.positions)
}

/** A chunk with what became of it. */
interface Replayed {
  readonly code: string
  readonly rows: readonly LetterHead[]
  readonly letters: number
  readonly encoded: Encoded
}

const replayedItems: ChunkItems<Replayed> = {
  sizeOf: ({ rows, encoded: { dataFiles } }) => [
    rows.length,
    dataFiles.reduce((sum, file) => sum + file.sizeBytes, 0),
    dataFiles.length,
  ],
}

/** From one pinned state of the tables to the end, or to the moment another replay was first. */
class Replay {
  readonly table: string
  readonly #ports: ReplayPorts
  readonly #options: ReplayOptions
  readonly #report: ReplayReport
  readonly #committer: () => CommitterHandle
  readonly #pinned: PinnedLetters
  readonly #positions: NonNullable<PinnedLetters['positions']>
  readonly #layout: TableLayout
  readonly #writer = `${hostname()}/${process.pid}/${randomUUID()}`
  readonly #obstacles = new Map<number, string | null>()
  #isOpen = false
  #next: bigint

  constructor(
    ports: ReplayPorts,
    options: ReplayOptions,
    report: ReplayReport,
    committer: () => CommitterHandle,
    pinned: PinnedLetters,
    positions: NonNullable<PinnedLetters['positions']>,
  ) {
    this.table = pinned.table
    this.#ports = ports
    this.#options = options
    this.#report = report
    this.#committer = committer
    this.#pinned = pinned
    this.#positions = positions
    this.#layout = tableLayout(pinned.table, pinned.main)
    this.#next = replayMark(positions)?.next ?? replayStart.start
  }

  async run(): Promise<'done' | 'restart'> {
    const { store, pool } = this.#ports
    const { batchSize } = this.#options
    const limits = { sizesMax: [batchSize, GROUP_BYTES_MAX, GROUP_FILES_MAX], ageMsMax: GROUP_AGE_MS_MAX }
    const chunks = letterChunks({
      store,
      pinned: this.#pinned,
      filter: this.#options.filter,
      lettersMax: Math.min(CHUNK_LETTERS_MAX, batchSize),
      obstacle: (head) => this.#obstacle(head),
      left: (head, why) => this.#report.left(head, why),
    })
    const replayed = mapInOrder(chunks, (each) => this.#encode(each), 2 * pool.workers)
    for await (const group of chunk(replayed, limits, replayedItems)) {
      const rows = group.reduce((sum, each) => sum + each.rows.length, 0)
      if (rows > 0 && !this.#options.dryRun && !(await this.#commit(group, rows))) return 'restart'
      for (const { code, letters, rows: made, encoded } of group) {
        this.#report.sent(code, { letters, rows: made.length, stillBad: encoded.deadLetterCodes ?? {} })
      }
      this.#options.progress(this.#report.total)
    }
    return 'done'
  }

  /** Why the schema of a letter keeps it from being read. Errors: those of the registry. */
  async #obstacle({ schemaId }: LetterHead): Promise<string | null> {
    if (schemaId === null) return null
    const known = this.#obstacles.get(schemaId)
    if (known !== undefined) return known
    // Garbage names any number of ids.
    if (this.#obstacles.size >= OBSTACLES_MAX) this.#obstacles.clear()
    const found = await this.#findObstacle(schemaId)
    this.#obstacles.set(schemaId, found)
    return found
  }

  async #findObstacle(schemaId: number): Promise<string | null> {
    const { registry, pool } = this.#ports
    const schema = await registry.schemaById(schemaId)
    if (schema === null) return 'RECORD_SCHEMA_UNKNOWN'
    try {
      fitWriter(parseAvroSchema(schema.json), this.#layout.schema)
    } catch (error) {
      if (error instanceof IngestError && error.code.startsWith('SCHEMA_')) return error.code
      throw error
    }
    pool.know(schema)
    return null
  }

  async #encode({ code, letters }: LetterChunk): Promise<Replayed> {
    const encoded = await this.#ports.pool.encode(letterBatches(letters), {
      policy: this.#policy(),
      main: this.#layout,
      // Not put: the dead letters are in their table.
      deadLetters: { ...this.#layout, schema: this.#pinned.schema, spec: { 'spec-id': 0, fields: [] } },
      decompressedBytesMax: DECOMPRESSED_BYTES_MAX,
      puts: this.#options.dryRun ? 'nothing' : 'rows',
    })
    if (encoded.endedBy !== undefined) throw encoded.endedBy
    const bad = new Map(
      encoded.ranges.map(({ topic, partition, badOffsets = [] }) => [
        partitionKey(topicIdOf(topic), partition),
        new Set(badOffsets),
      ]),
    )
    const rows = letters.filter(
      ({ topicId, partition, offset }) => bad.get(partitionKey(topicId, partition))?.has(Number(offset)) === false,
    )
    const counted = encoded.ranges.reduce((sum, range) => sum + range.rows, 0)
    if (counted !== rows.length) throw new Error(`${counted} rows of ${rows.length} letters`)
    return { code, letters: letters.length, rows: rows.map(headOf), encoded }
  }

  #policy(): RoutePolicy {
    const { windowFirstUs, windowAheadUs } = this.#options
    const { tombstone } = this.#positions.policy
    return { route: ROUTE, tombstone, unknownSchema: 'dead-letter', windowFirstUs, windowAheadUs }
  }

  /** False: begin again from the table. Errors: those of the commit. */
  async #commit(group: readonly Replayed[], rows: number): Promise<boolean> {
    const committer = this.#committer()
    if (!this.#isOpen) {
      const { positions } = await committer.open(this.#routeSpec())
      this.#isOpen = true
      if (positions.find(({ topic }) => topic === REPLAY_TOPIC)?.next !== this.#next) return false
    }
    const reply = await committer.commit(ROUTE, this.#group(group, rows))
    switch (reply.kind) {
      case 'fenced':
        return false
      case 'failed': {
        const error = fromFailure(reply.failure)
        if (error.action === 'reload') return false
        throw error
      }
      case 'committed':
        this.#next += BigInt(rows)
        this.#report.snapshots++
        return true
    }
  }

  #group(group: readonly Replayed[], rows: number): CommitGroup {
    const range = { topic: REPLAY_TOPIC, partition: replayStart.partition }
    const counts = { records: rows, rows, deadLetters: 0, tombstonesSkipped: 0 }
    return {
      ranges: [{ ...range, first: this.#next, next: this.#next + BigInt(rows), ...counts }],
      dataFiles: group.flatMap(({ encoded }) => encoded.dataFiles),
      deadLetterFiles: [],
      oldestEncodedAtMs: Math.min(...group.map(({ encoded }) => encoded.encodedAtMs)),
      epoch: 0,
      replay: this.#work(group, rows),
    }
  }

  #work(group: readonly Replayed[], rows: number): ReplayWork {
    const heads = group.flatMap((each) => each.rows)
    const places = heads.map(({ topicId, partition, offset }) => `${topicId}/${partition}/${offset}`).sort()
    const codes: Record<string, number> = {}
    for (const { code, rows: made } of group) codes[code] = (codes[code] ?? 0) + made.length
    const named = new Map<string, LetterHead>()
    for (const head of heads) {
      if (named.size < EVIDENCE_ROWS_MAX) named.set(partitionKey(head.topicId, head.partition), head)
    }
    const ranges = [...named.values()].map(({ topicId, partition, offset }) => ({
      topic: this.#topicOf(topicId),
      partition,
      first: offset,
      next: offset + 1n,
    }))
    return {
      // With the writer: two replays of the same letters at once would take the one commit for that of each.
      records: createHash('sha256')
        .update([this.#writer, ...places].join('\n'))
        .digest('hex'),
      evidence: { ranges, rows: BigInt(ranges.length) },
      summary: { [REPLAY_KEY]: canonicalJson({ records: rows, codes }) },
    }
  }

  /** A letter keeps the topic id; the cluster's is in the positions of the table. */
  #topicOf(topicId: string): string {
    return [...this.#positions.topics.keys()].find((key) => topicIdOf(key) === topicId) ?? `/${topicId}`
  }

  #routeSpec(): RouteSpec {
    const { schema, spec } = this.#layout
    return {
      route: ROUTE,
      table: this.#options.table,
      schema,
      spec,
      deadLetters: { schema: this.#pinned.schema, spec: sideTableSpec(this.#pinned.schema) },
      location: this.#options.location,
      partitions: [{ ...replayStart, logStart: replayStart.start, logEnd: OFFSET_MAX }],
      epoch: 0,
      acceptedGaps: [],
      group: GROUP,
      writers: [],
      writer: this.#writer,
      tombstone: this.#positions.policy.tombstone,
      properties: {},
    }
  }
}
const OBSTACLES_MAX = 10_000

/** Without the bytes. */
const headOf = ({ topic, topicId, partition, offset, ...rest }: LetterHead): LetterHead => ({
  topic,
  topicId,
  partition,
  offset,
  timestampUs: rest.timestampUs,
  schemaId: rest.schemaId,
  code: rest.code,
  text: '',
  fieldPath: null,
  route: rest.route,
  seenAtUs: rest.seenAtUs,
})
