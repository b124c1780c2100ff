// `k2 feed csv`: the ASX files into a log directory or a topic. Main thread. Invariants: every row is read and checked before the first
// byte is written; rows go by time, then file, then line; the same files and options give the same bytes.
import { readdir } from 'node:fs/promises'
import { IngestError } from '../../shared/errors.ts'
import {
  type AsxCompany,
  type AsxRecord,
  type AsxType,
  asxCompany,
  asxQuote,
  asxReference,
  asxShapes,
  asxTopic,
  asxTrade,
  sydneyOffsetMinutes,
} from './asx.ts'
import { type CsvFile, type CsvRow, csvRows, csvStem, readCsvFile, rowProblem } from './csv-file.ts'
import { feedIdentity } from './feed-journal.ts'
import { type FeedSchemas, feedSchemaId } from './feed-schema.ts'
import {
  type FeedPlace,
  type FeedResult,
  type FeedSettings,
  type FeedSink,
  type FeedTarget,
  openFeed,
} from './feed-sink.ts'
import { partitionFor } from './murmur2.ts'

interface CsvOptions extends Partial<FeedSettings>, FeedSchemas {
  /** Folder of the CSV files. */
  readonly source: string
  /** Default trades. */
  readonly type?: AsxType
  /** Minutes that the local times of the files are ahead of UTC. Default 660 (Sydney in March 2014). */
  readonly utcOffsetMinutes?: number
}

export type CsvFeedOptions = CsvOptions & FeedPlace

/** One file with the company whose rows it holds; null for the list of companies itself. */
interface AsxInput {
  readonly file: CsvFile
  readonly company: AsxCompany | null
}

/**
 * Writes the trades (4 partitions), quotes (4) or companies (1) of `source` to `market.equities.{type}.asx`: key = symbol
 * (company id for companies), Java's partitioner, record time = the row's own, lz4, batches of 500.
 * Errors: SOURCE_MISSING, FEED_INPUT (with file, line and reason), SCHEMA_UNKNOWN, SCHEMA_INCOMPATIBLE,
 * FEED_CONFLICT, STORE_NOT_WRITABLE, BROKER_*, those of `register`.
 */
export async function feedCsv(options: CsvFeedOptions): Promise<FeedResult> {
  const { type = 'trades', utcOffsetMinutes = sydneyOffsetMinutes } = options
  const shape = asxShapes[type]
  const target: FeedTarget = {
    topic: asxTopic(type),
    partitions: shape.partitions,
    codec: 'lz4',
    batchRecords: 500,
    append: false,
    ...options,
  }
  const { topic, partitions, codec, batchRecords } = target
  const schemaId = await feedSchemaId(options, topic, shape.schema, shape.schemaFields)
  const inputs = await readInputs(options.source, type)
  const records = (): Generator<AsxRecord> => byTime(inputs.map((input) => asxRecords(input, type, utcOffsetMinutes)))
  let messages = 0
  for (const _ of records()) messages++

  const files = inputs.map(({ file, company }) => `${file.stem}=${file.digest}${JSON.stringify(company)}`).join(' ')
  const parameters = {
    feed: 'csv',
    v: 1,
    type,
    schemaId,
    utcOffsetMinutes,
    topic,
    partitions,
    codec,
    batchRecords,
    files,
  }
  const feed = await openFeed(target, feedIdentity(parameters), messages)
  if (feed.kind === 'done') return feed.result
  try {
    return await write(feed.sink, records(), schemaId, partitions)
  } finally {
    await feed.sink.close()
  }
}

async function write(
  sink: FeedSink,
  records: Generator<AsxRecord>,
  schemaId: number,
  partitions: number,
): Promise<FeedResult> {
  const keys = new Map<string, { readonly bytes: Uint8Array; readonly partition: number }>()
  for (const record of records) {
    let key = keys.get(record.key)
    if (key === undefined) {
      const bytes = Uint8Array.from(Buffer.from(record.key))
      key = { bytes, partition: partitionFor(bytes, partitions) }
      keys.set(record.key, key)
    }
    const writer = sink.writer(key.partition)
    writer.frame(schemaId)
    record.write(writer)
    const isFull = sink.end(key.partition, Math.floor(record.timestampUs / 1000), key.bytes)
    if (isFull && !(await sink.flush(key.partition))) return await sink.stop()
  }
  return await sink.complete()
}

/** The files of a type, in the order of their names. */
async function readInputs(source: string, type: AsxType): Promise<readonly AsxInput[]> {
  let names: string[]
  try {
    names = (await readdir(source)).sort()
  } catch (error) {
    throw new IngestError('SOURCE_MISSING', { source }, error)
  }
  const pattern = asxShapes[type].filePattern
  const chosen = names.filter((name) => pattern.test(name))
  if (chosen.length === 0) throw new IngestError('FEED_INPUT', { source, reason: `no file fits ${pattern.source}` })
  const double = chosen.find((name) => chosen.some((other) => other !== name && csvStem(other) === csvStem(name)))
  if (double !== undefined) throw new IngestError('FEED_INPUT', { source, file: double, reason: 'plain and gzipped' })

  const companies = await readCompanies(source, names)
  const inputs: AsxInput[] = []
  for (const name of chosen) {
    const file = await readCsvFile(source, name)
    const id = pattern.exec(name)?.[1] ?? ''
    const company = companies.get(id) ?? null
    if (type !== 'reference_data' && company === null) {
      throw new IngestError('FEED_INPUT', { file: file.path, reason: `company ${id} is not in company_info.csv` })
    }
    inputs.push({ file, company: type === 'reference_data' ? null : company })
  }
  return inputs
}

async function readCompanies(source: string, names: readonly string[]): Promise<ReadonlyMap<string, AsxCompany>> {
  const { filePattern, fieldCount, headerLines } = asxShapes.reference_data
  const name = names.find((candidate) => filePattern.test(candidate))
  if (name === undefined) throw new IngestError('FEED_INPUT', { source, reason: 'company_info.csv is missing' })
  const companies = new Map<string, AsxCompany>()
  for (const row of csvRows(await readCsvFile(source, name), fieldCount, headerLines)) {
    const company = readRow(row, asxCompany)
    companies.set(company.companyId, company)
  }
  return companies
}

function* asxRecords(input: AsxInput, type: AsxType, utcOffsetMinutes: number): Generator<AsxRecord> {
  const { fieldCount, headerLines } = asxShapes[type]
  const { company } = input
  for (const row of csvRows(input.file, fieldCount, headerLines)) {
    yield readRow(row, () => {
      if (company === null) return asxReference(row, asxCompany(row))
      return type === 'quotes' ? asxQuote(row, company, utcOffsetMinutes) : asxTrade(row, company, utcOffsetMinutes)
    })
  }
}

function readRow<T>(row: CsvRow, read: (row: CsvRow) => T): T {
  try {
    return read(row)
  } catch (error) {
    throw rowProblem(row, error)
  }
}

/**
 * Merges the rows of several files by time; at equal times the earlier file goes first. Rows of one file never overtake
 * each other, so a row that is older than the one before it stays behind it.
 */
function* byTime(sources: readonly Generator<AsxRecord>[]): Generator<AsxRecord> {
  const heads = sources.map((source) => source.next())
  for (;;) {
    let first = -1
    let firstUs = Number.POSITIVE_INFINITY
    for (const [index, head] of heads.entries()) {
      if (head.done === true || head.value.timestampUs >= firstUs) continue
      first = index
      firstUs = head.value.timestampUs
    }
    const head = heads[first]
    const source = sources[first]
    if (head === undefined || head.done === true || source === undefined) return
    yield head.value
    heads[first] = source.next()
  }
}
