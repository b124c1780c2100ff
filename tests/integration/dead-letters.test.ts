// Dead letters as a user meets them: what was planted in a log is listed, shown, counted and exported as it was, and as another reader
// of the table finds it. One table goes through all of it: a test begins with what the one before it left.
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { syntheticTopic } from '../../src/main/feed/synthetic.ts'
import { positionsSaid } from '../../src/shared/commit/change-plan.ts'
import { replayMark } from '../../src/shared/commit/replay-position.ts'
import { openSqlCatalog } from '../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../src/shared/store/folder-store.ts'
import { appendBatch, badRecords } from '../support/bad-records.ts'
import { type K2Ended, k2, placeIn, saidIn, startK2, verifyPlace } from '../support/k2-process.ts'
import {
  GOOD_BESIDE,
  isRepairable,
  LATER_SCHEMA_ID,
  type PlantedLetter,
  plantLetters,
  registryFolder,
  repairableRecord,
} from '../support/planted-letters.ts'
import { pythonWithReaders, runReader } from '../support/python-venv.ts'
import { tableRows } from '../support/table-rows.ts'

const place = placeIn(mkdtempSync(join(tmpdir(), 'k2-letters-')))
const tableWords = place.words.slice(2)
const MESSAGES = 3_000
let planted: readonly PlantedLetter[] = []
let schemas = ''
let repaired = ''

const letters = (command: string, ...more: readonly string[]): Promise<K2Ended> =>
  k2('dead-letters', command, ...tableWords, ...more)

async function document(command: string, ...more: readonly string[]) {
  const { code, out, err } = await letters(command, ...more, '--json')
  expect(code, err).toBe(0)
  return JSON.parse(out)
}

interface Line {
  readonly partition: number
  readonly offset: string
  readonly value: string | null
}

const lines = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const byPlace = (a: Line, b: Line): number => a.partition - b.partition || Number(a.offset) - Number(b.offset)

afterAll(() => rm(place.folder, { recursive: true, force: true, maxRetries: 5 }))

test('each planted record becomes a dead letter, its neighbours rows', async () => {
  await pythonWithReaders()
  schemas = await registryFolder(place.folder, false)
  const feed = [
    'feed',
    'synthetic',
    '--to',
    place.log,
    '--messages',
    String(MESSAGES),
    '--seed',
    '3',
    '--partitions',
    '2',
  ]
  expect(await k2(...feed)).toMatchObject({ code: 0 })
  planted = await plantLetters(place.log)
  const words = ['--schemas', schemas, '--unknown-schema', 'dead-letter', '--workers', '1', '--until-end']
  const ended = await k2('run', ...place.words, ...words, '--json')
  expect(ended.code, ended.err).toBe(0)
  expect(JSON.parse(ended.out).statistics).toMatchObject({
    messages_written: MESSAGES + GOOD_BESIDE,
    dead_letters: planted.length,
  })
}, 300_000)

test('the export holds each planted record as it was, and is what pyiceberg reads in the table', async () => {
  const { code, out, err } = await letters('export')
  expect(code, err).toBe(0)
  const exported = lines(out).sort(byPlace)
  expect(exported).toEqual(
    planted.map(({ partition, offset, code: errorCode, record }) =>
      expect.objectContaining({
        table: 'market_data.trades_v2',
        topic: syntheticTopic,
        partition,
        offset: String(offset),
        timestamp: record.timestampMs < 0 ? null : new Date(record.timestampMs).toISOString().replace('Z', '000Z'),
        key: record.key === null ? null : Buffer.from(record.key).toString('base64'),
        headers: (record.headers ?? []).map(({ key, value }) => ({
          key,
          value: value === null ? null : Buffer.from(value).toString('base64'),
        })),
        value: Buffer.from(record.value ?? []).toString('base64'),
        error_code: errorCode,
      }),
    ),
  )
  const theirs = await runReader('dead_letters.py', place.catalog, 'market_data.trades_v2_dead_letters')
  expect(exported.map((line) => ({ ...line, table: undefined }))).toEqual(theirs)
}, 120_000)

test('the list is of the newest, filtered as asked, and says how many there are', async () => {
  const { tables } = await document('list', '--limit', '5')
  expect(tables).toHaveLength(1)
  expect(tables[0]).toMatchObject({ table: 'market_data.trades_v2', count: planted.length })
  const times: string[] = tables[0].dead_letters.map((letter: { timestamp: string | null; seen_at: string }) => {
    return letter.timestamp ?? letter.seen_at
  })
  expect(times).toHaveLength(5)
  expect(times).toEqual(times.toSorted().reverse())

  const chosen = await document(
    'list',
    '--code',
    'RECORD_TRUNCATED,RECORD_VARINT',
    '--partition',
    '1',
    '--limit',
    '100',
  )
  const wanted = planted.filter(({ partition, code }) => partition === 1 && /TRUNCATED|VARINT/.test(code))
  expect(chosen.tables[0].dead_letters.map(({ offset }: Line) => offset).sort()).toEqual(
    wanted.map(({ offset }) => String(offset)).sort(),
  )
  expect((await document('list', '--schema-id', '77')).tables[0].count).toBe(2)
  expect((await document('list', '--topic', '/^other/')).tables[0].count).toBe(0)
  // Of the record that is years older than its trade; those without a time go by when they were met.
  const old = await document('list', '--from', '2020-01-01', '--to', '2021-01-01')
  expect(old.tables[0].dead_letters.map((letter: { error_code: string }) => letter.error_code)).toEqual([
    'RECORD_PARTITION_WINDOW',
    'RECORD_PARTITION_WINDOW',
  ])
  const { out } = await letters('list', '--limit', '2')
  expect(out).toContain(`${planted.length} dead letters, the newest 2`)
  expect(out).not.toContain('\u001b[31m')
  const typo = await letters('list', '--code', 'RECORD_TRUNCATE')
  expect([typo.code, typo.err]).toEqual([2, expect.stringContaining('--code must be some of RECORD_NOT_FRAMED')])
}, 120_000)

test('one of them is shown whole: bytes, key, headers, error, field, schema id and what to do', async () => {
  const letter = planted.find(({ record }) => record.value !== null && Buffer.from(record.value).includes('not avro'))
  const at = ['--topic', syntheticTopic, '--partition', String(letter?.partition), '--offset', String(letter?.offset)]
  const { code, out, err } = await letters('show', ...at)
  expect(code, err).toBe(0)
  expect(out).toContain(`${syntheticTopic}/${letter?.partition} offset ${letter?.offset}`)
  expect(out).toMatch(/error +RECORD_NOT_FRAMED: value has no Confluent frame/)
  expect(out).toMatch(/what to do +the producer must write magic byte 0 and a schema id/)
  expect(out).toContain('1b 5b 33 31 6d 6e 6f 74  20 61 76 72 6f 0a')
  expect(out).toContain('|.[31mnot avro.|')
  expect(out).toContain('header größe: null')
  const field = planted.find(({ code: errorCode }) => errorCode === 'RECORD_VALUE')
  const shown = await document('show', '--topic', syntheticTopic, '--partition', '0', '--offset', String(field?.offset))
  expect(shown.dead_letters).toEqual([
    expect.objectContaining({
      error_code: 'RECORD_VALUE',
      field_path: expect.stringMatching(/\w/),
      schema_id: 1,
      value: Buffer.from(field?.record.value ?? []).toString('base64'),
    }),
  ])
  const none = await letters('show', '--topic', syntheticTopic, '--partition', '0', '--offset', '1')
  expect([none.code, saidIn(none.err)]).toEqual([1, [expect.stringMatching(/^k2: DEAD_LETTER_MISSING: .*offset=1\)/)]])
}, 120_000)

test('the summary adds up to what was planted, and fails a job that watches', async () => {
  const { tables } = await document('summary')
  const [{ groups, count }] = tables
  expect(count).toBe(planted.length)
  const counts: Record<string, number> = {}
  for (const group of groups) counts[group.error_code] = (counts[group.error_code] ?? 0) + group.count
  const expected: Record<string, number> = {}
  for (const { code } of planted) expected[code] = (expected[code] ?? 0) + 1
  expect(counts).toEqual(expected)
  expect(groups).toContainEqual({
    error_code: 'RECORD_SCHEMA_UNKNOWN',
    topic: syntheticTopic,
    schema_id: 77,
    route: 'market_data.trades_v2',
    partitions: 2,
    count: 2,
    replayed: 0,
    first: '2026-01-13T10:26:40.000000Z',
    last: '2026-01-13T10:26:40.000000Z',
  })
  expect(await letters('summary', '--fail-if-any')).toMatchObject({ code: 1 })
  expect(await letters('summary', '--fail-if-any', '--topic', 'other')).toMatchObject({ code: 0 })
}, 120_000)

test('an export rotates by size, in files that are whole lines and together all of them', async () => {
  const folder = join(place.folder, 'export')
  const { files } = await document('export', '--out-dir', folder, '--rotate-bytes', '4KiB')
  const names = readdirSync(folder).sort()
  expect(names).toEqual(files.map(({ path }: { path: string }) => path.slice(folder.length + 1)))
  expect(names.length).toBeGreaterThan(3)
  expect(names.every((name) => /^dead-letters-\d{8}T\d{6}\.\d{3}Z-\d{6}\.jsonl$/.test(name))).toBe(true)
  const texts = names.map((name) => readFileSync(join(folder, name), 'utf8'))
  for (const [index, text] of texts.entries()) {
    const size = statSync(join(folder, names[index] ?? '')).size
    expect(size <= 4096 || lines(text).length === 1).toBe(true)
    expect(text.endsWith('\n')).toBe(true)
  }
  const { out } = await letters('export')
  expect(lines(texts.join('')).sort(byPlace)).toEqual(lines(out).sort(byPlace))
}, 120_000)

const replayWords = ['--table', 'market_data.trades_v2', '--workers', '1']

async function proof() {
  const { verdict, tables } = await verifyPlace(place)
  return { verdict, problems: tables[0]?.problems, totals: tables[0]?.totals }
}

/** What the table says, without the command. */
async function replayedSoFar(): Promise<bigint> {
  const catalog = openSqlCatalog({ file: place.catalog, store: openFolderStore(place.warehouse) })
  try {
    const loaded = await catalog.loadTable({ namespace: ['market_data'], name: 'trades_v2' })
    const positions = loaded === null ? null : positionsSaid(loaded.metadata)
    return positions === null ? 0n : (replayMark(positions)?.next ?? 0n)
  } finally {
    await catalog.close()
  }
}

test('a replay before anything was mended changes nothing, not even the table', async () => {
  const before = (await k2('positions', 'show', ...tableWords, '--json')).out
  const dry = await document('replay', ...replayWords, '--schemas', schemas, '--dry-run')
  expect(dry).toMatchObject({ dry_run: true, replayed: 0 })
  const real = await document('replay', ...replayWords, '--schemas', schemas)
  expect(real).toMatchObject({ replayed: 0, snapshots: 0 })
  expect((await k2('positions', 'show', ...tableWords, '--json')).out).toBe(before)
}, 120_000)

test('once the registry knows the schema, a dry run says what would become rows, by code, and writes nothing', async () => {
  repaired = await registryFolder(place.folder, true)
  const files = readdirSync(place.warehouse, { recursive: true }).length
  const dry = await document('replay', ...replayWords, '--schemas', repaired, '--dry-run')
  const repairable = planted.filter(isRepairable).length
  expect(repairable).toBe(6)
  expect(dry.replayed).toBe(repairable)
  expect(dry.by_code).toContainEqual({
    error_code: 'RECORD_SCHEMA_UNKNOWN',
    letters: 10,
    replayed: repairable,
    replayed_before: 0,
    // Of the id that nobody knows, and of the one whose value was cut.
    still_bad: { RECORD_SCHEMA_UNKNOWN: 2, RECORD_TRUNCATED: 2 },
  })
  expect(readdirSync(place.warehouse, { recursive: true })).toHaveLength(files)
  expect(await proof()).toMatchObject({ verdict: 'equal', totals: { replayed: 0 } })
}, 120_000)

test('a replay that is killed, and begun again and again, makes each of them one row, which the proof knows', async () => {
  // A topic of many, so that there is a middle to be killed in.
  const records = Array.from({ length: 200 }, (_, index) => repairableRecord(1_000 + index))
  for (let batch = 0; batch < 50; batch++) await appendBatch(place.log, syntheticTopic, batch % 2, records)
  const runWords = ['--schemas', schemas, '--unknown-schema', 'dead-letter', '--workers', '1', '--until-end']
  const ended = await k2('run', ...place.words, ...runWords, '--all-bad-max', '0')
  expect(ended.code, ended.err).toBe(0)
  const wanted = planted.filter(isRepairable).length + 10_000

  const partial = await document(
    'replay',
    ...replayWords,
    '--schemas',
    repaired,
    '--partition',
    '0',
    '--to',
    '2026-01-13T10:26:41Z',
  )
  expect(partial.replayed).toBeGreaterThan(0)
  expect(partial.replayed).toBeLessThan(wanted)

  // Small commits, and a kill once one of them has landed.
  const words = [...replayWords, '--schemas', repaired, '--batch-size', '250']
  const landed: bigint[] = [await replayedSoFar()]
  for (let kills = 0; kills < 3; kills++) {
    const replay = startK2(['dead-letters', 'replay', ...tableWords, ...words])
    while (!replay.hasEnded() && (await replayedSoFar()) === landed.at(-1)) await sleep(20)
    replay.kill('SIGKILL')
    expect(await replay.ended).toMatchObject({ signal: 'SIGKILL' })
    landed.push(await replayedSoFar())
  }
  expect(landed.every((count, index) => index === 0 || count > (landed[index - 1] ?? 0n))).toBe(true)
  expect(landed.at(-1)).toBeLessThan(BigInt(wanted))

  const [one, two] = await Promise.all([
    document('replay', ...replayWords, '--schemas', repaired),
    document('replay', ...replayWords, '--schemas', repaired),
  ])
  expect(one.replayed + two.replayed).toBeLessThanOrEqual(wanted - partial.replayed)
  const shown = await k2('verify', ...place.words, '--schemas', repaired, '--json')
  expect(shown.code, shown.out.slice(0, 2_000) + shown.err).toBe(0)
  const [{ totals, problems }] = JSON.parse(shown.out).tables
  expect(problems).toEqual([])
  expect(totals).toMatchObject({
    replayed: wanted,
    deadLetters: planted.length + 10_000,
    tableRows: MESSAGES + GOOD_BESIDE + wanted,
    missing: 0,
    duplicate: 0,
    extra: 0,
    changed: 0,
  })
}, 180_000)

test('a second replay does nothing; what was replayed is told from what is open, and no job fails for it', async () => {
  const before = (await k2('positions', 'show', ...tableWords, '--json')).out
  const again = await document('replay', ...replayWords, '--schemas', repaired)
  expect(again).toMatchObject({ replayed: 0, snapshots: 0 })
  expect((await k2('positions', 'show', ...tableWords, '--json')).out).toBe(before)
  const { tables } = await document('summary', '--schema-id', String(LATER_SCHEMA_ID))
  expect(tables[0]).toMatchObject({ count: 10_000 + 8, open: 2 })
  const good = planted.find(isRepairable)
  const at = ['--topic', syntheticTopic, '--partition', String(good?.partition), '--offset', String(good?.offset)]
  expect((await document('show', ...at)).dead_letters[0]).toMatchObject({ replayed: true })
  const job = ['--code', 'RECORD_SCHEMA_UNKNOWN', '--fail-if-any']
  expect(await letters('summary', ...job, '--from', '2026-01-13T10:26:41Z', '--partition', '0')).toMatchObject({
    code: 0,
  })
  expect(await letters('summary', ...job)).toMatchObject({ code: 1 })
}, 120_000)

test('a replayed row is the record itself, for readers that are not ours', async () => {
  const good = planted.filter(isRepairable)
  const rows = await tableRows(place, 'trades_v2')
  for (const { partition, offset, record } of good) {
    const found = rows.filter((row) => row['kafka_partition'] === partition && row['kafka_offset'] === offset)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ kafka_topic: syntheticTopic, exchange: 'BINANCE' })
    expect(found[0]?.['kafka_timestamp'] ?? null).toEqual(
      record.timestampMs < 0 ? null : BigInt(record.timestampMs) * 1000n,
    )
  }
  // And the run goes on beside it: nothing of a source is read anew.
  const ended = await k2('run', ...place.words, '--schemas', repaired, '--workers', '1', '--until-end', '--json')
  expect(JSON.parse(ended.out).statistics).toMatchObject({ messages_consumed: 0 })
}, 120_000)

test('a topic of which nothing but bad records comes is held and named, while the other topics of its table go on', async () => {
  const other = placeIn(join(place.folder, 'held'))
  const feed = (topic: string, messages: number): Promise<K2Ended> =>
    k2('feed', 'synthetic', '--to', other.log, '--topic', topic, '--messages', String(messages), '--partitions', '1')
  const [bad, good] = ['market.crypto.trades.bad', 'market.crypto.trades.good']
  expect(await feed(good, 2_000)).toMatchObject({ code: 0 })
  // A topic has an id once it was fed: its one good trade comes behind a position that the first run begins at.
  expect(await feed(bad, 1)).toMatchObject({ code: 0 })
  const records = Array.from({ length: 400 }, () => badRecords[0]?.[1]).flatMap((record) => record ?? [])
  for (let batch = 0; batch < 5; batch++) await appendBatch(other.log, bad, 0, records)
  const words = ['--workers', '1', '--until-end', '--start', `${bad}/0=1`]
  const held = await k2('run', ...other.words, ...words)
  expect(held.code).toBe(1)
  expect(saidIn(held.err)).toEqual([
    expect.stringMatching(
      /^k2: TOPIC_ALL_BAD: .*topic=market\.crypto\.trades\.bad records=2000 code=RECORD_NOT_FRAMED .*todo=the producer must write magic byte/,
    ),
  ])
  expect(held.err).toContain('topic is held')
  const { out } = await k2('positions', 'show', ...other.words.slice(2), '--json')
  const next = Object.fromEntries(
    JSON.parse(out).tables[0].partitions.map((row: { topic: string; next: string }) => [row.topic, row.next]),
  )
  expect(next).toEqual({ [bad]: '1', [good]: '2000' })
  const none = await k2('dead-letters', 'summary', ...other.words.slice(2), '--fail-if-any')
  expect(none).toMatchObject({ code: 0 })

  const all = await k2('run', ...other.words, ...words, '--all-bad-max', '0')
  expect(all.code, all.err).toBe(0)
  const { tables } = JSON.parse((await k2('dead-letters', 'summary', ...other.words.slice(2), '--json')).out)
  expect(tables[0].count).toBe(2_000)
}, 120_000)
