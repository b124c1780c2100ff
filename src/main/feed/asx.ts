// The ASX sample (docs/data.md) as TradeV2, QuoteV2 and ReferenceDataV2: which file holds what, which field becomes what.
// Pure but for the writer it fills. Invariant: a row gives the same bytes every time; ids come from file and line, because
// the data has none and repeats rows byte for byte.
import type { AvroWriter } from './avro-writer.ts'
import type { CsvRow } from './csv-file.ts'
import { decimal18x8, FieldProblem, timestampUs } from './csv-values.ts'
import { urlNamespace, uuid5, uuidText } from './uuid.ts'

export type AsxType = 'trades' | 'quotes' | 'reference_data'

/** Sydney in March 2014: daylight saving time, UTC+11. The files have naive local times. */
export const sydneyOffsetMinutes = 660

/** One row of company_info.csv. */
export interface AsxCompany {
  readonly companyId: string
  readonly symbol: string
  readonly name: string
  readonly isin: string
  readonly startDate: string
  readonly endDate: string
}

/** A row on its way into a record batch. */
export interface AsxRecord {
  readonly timestampUs: number
  readonly key: string
  /** Writes the Avro datum, without its frame. */
  write(writer: AvroWriter): void
}

interface AsxShape {
  /** Full name and fields of the schema that `write` follows. */
  readonly schema: string
  readonly schemaFields: readonly string[]
  readonly filePattern: RegExp
  readonly fieldCount: number
  readonly headerLines: number
  readonly partitions: number
}

const instrument = ['symbol', 'exchange', 'asset_class']
const receipt = ['source_sequence', 'ingestion_timestamp', 'platform_sequence', 'vendor_data']

export const asxShapes: Readonly<Record<AsxType, AsxShape>> = {
  trades: {
    schema: 'com.k2.marketdata.TradeV2',
    schemaFields: [
      ...['message_id', 'trade_id', ...instrument, 'timestamp', 'price', 'quantity', 'currency', 'side'],
      ...['trade_conditions', ...receipt],
    ],
    filePattern: /^trades_(\d+)\.csv(\.gz)?$/,
    fieldCount: 7,
    headerLines: 0,
    partitions: 4,
  },
  quotes: {
    schema: 'com.k2.marketdata.QuoteV2',
    schemaFields: [
      ...['message_id', 'quote_id', ...instrument, 'timestamp', 'bid_price', 'bid_quantity', 'ask_price'],
      ...['ask_quantity', 'currency', ...receipt],
    ],
    filePattern: /^quotes_(\d+)\.csv(\.gz)?$/,
    fieldCount: 6,
    headerLines: 0,
    partitions: 4,
  },
  reference_data: {
    schema: 'com.k2.marketdata.ReferenceDataV2',
    schemaFields: [
      ...['message_id', 'company_id', ...instrument, 'company_name', 'isin', 'currency', 'listing_date'],
      ...['delisting_date', 'is_active', 'ingestion_timestamp', 'vendor_data'],
    ],
    filePattern: /^company_info\.csv(\.gz)?$/,
    fieldCount: 6,
    headerLines: 1,
    partitions: 1,
  },
}

export const asxTopic = (type: AsxType): string => `market.equities.${type}.asx`

/** Namespace of the message ids: a UUID of version 5 of its own. */
const messageNamespace = uuid5(urlNamespace, 'https://github.com/rjdscott/k2-market-data-platform/asx')
const assetClassEquities = 0
const sideUnknown = 3
const currency = 'AUD'
const exchange = 'ASX'
/** Reference data has no time of its own: Monday 10 March 2014 in Sydney, the day the sample begins. */
const referenceUs = Date.UTC(2014, 2, 9, 13) * 1000

const messageId = (row: CsvRow): string => uuidText(uuid5(messageNamespace, `${row.file.stem}:${row.line}`))

/** company_info.csv, one row: company_id, symbol, company_name, ISIN, start_date, end_date. Throws FieldProblem. */
export function asxCompany(row: CsvRow): AsxCompany {
  const [companyId = '', symbol = '', name = '', isin = '', startDate = '', endDate = ''] = row.fields
  if (!/^\d+$/.test(companyId)) throw new FieldProblem(`company_id ${JSON.stringify(companyId)} is not a number`)
  if (!/^[A-Z0-9]+$/.test(symbol)) throw new FieldProblem(`symbol ${JSON.stringify(symbol)} is not upper-case`)
  return { companyId, symbol, name, isin, startDate, endDate }
}

/** trades_<company_id>.csv: date, time, price, quantity, qualifiers, venue, a seventh without a name. Throws FieldProblem. */
export function asxTrade(row: CsvRow, company: AsxCompany, utcOffsetMinutes: number): AsxRecord {
  const [date = '', time = '', priceText = '', quantityText = '', qualifiers = '', venue = '', field7 = ''] = row.fields
  const atUs = timestampUs(date, time, utcOffsetMinutes)
  const price = decimal18x8(priceText, 'price')
  const quantity = decimal18x8(quantityText, 'quantity')
  if (!/^\d+$/.test(qualifiers)) throw new FieldProblem(`qualifiers ${JSON.stringify(qualifiers)} is not a number`)
  return {
    timestampUs: atUs,
    key: company.symbol,
    write(writer) {
      writeHead(writer, row, `${exchange}-${company.companyId}-${row.line}`, company.symbol)
      writer.long(atUs)
      writer.decimal(price)
      writer.decimal(quantity)
      writer.string(currency)
      writer.long(sideUnknown)
      if (qualifiers !== '0') {
        writer.long(1)
        writer.string(qualifiers)
      }
      writer.long(0)
      writeReceipt(writer, atUs)
      writeVendorData(writer, { company_id: company.companyId, qualifiers, venue, field_7: field7 })
    },
  }
}

/** quotes_<company_id>.csv: date, time, bid price, ask price, bid quantity, ask quantity. Throws FieldProblem. */
export function asxQuote(row: CsvRow, company: AsxCompany, utcOffsetMinutes: number): AsxRecord {
  const [date = '', time = '', bid = '', ask = '', bidQuantity = '', askQuantity = ''] = row.fields
  const atUs = timestampUs(date, time, utcOffsetMinutes)
  const amounts = [
    decimal18x8(bid, 'bid price'),
    decimal18x8(bidQuantity, 'bid quantity'),
    decimal18x8(ask, 'ask price'),
    decimal18x8(askQuantity, 'ask quantity'),
  ]
  return {
    timestampUs: atUs,
    key: company.symbol,
    write(writer) {
      writeHead(writer, row, `${exchange}-${company.companyId}-${row.line}`, company.symbol)
      writer.long(atUs)
      for (const amount of amounts) writer.decimal(amount)
      writer.string(currency)
      writeReceipt(writer, atUs)
      writeVendorData(writer, { company_id: company.companyId })
    },
  }
}

/**
 * The company itself. Start and end date are the days its rows in the source cover, not its listing, so that they go to
 * vendor_data and the listing dates stay null.
 */
export function asxReference(row: CsvRow, company: AsxCompany): AsxRecord {
  return {
    timestampUs: referenceUs,
    key: company.companyId,
    write(writer) {
      writeHead(writer, row, company.companyId, company.symbol)
      writer.string(company.name)
      for (const optional of [company.isin, currency]) {
        writer.long(optional === '' ? 0 : 1)
        if (optional !== '') writer.string(optional)
      }
      writer.long(0) // listing_date: null
      writer.long(0) // delisting_date: null
      writer.byte(1) // is_active
      writer.long(referenceUs)
      writeVendorData(writer, { start_date: company.startDate, end_date: company.endDate })
    },
  }
}

/** message_id, the id of the event (or the company), symbol, exchange, asset_class: how all three schemas begin. */
function writeHead(writer: AvroWriter, row: CsvRow, id: string, symbol: string): void {
  writer.string(messageId(row))
  writer.string(id)
  writer.string(symbol)
  writer.string(exchange)
  writer.long(assetClassEquities)
}

/** source_sequence null, ingestion_timestamp the event's own, platform_sequence null. */
function writeReceipt(writer: AvroWriter, ingestionUs: number): void {
  writer.long(0)
  writer.long(ingestionUs)
  writer.long(0)
}

/** vendor_data, last field: entries with an empty value are left out. */
function writeVendorData(writer: AvroWriter, entries: Readonly<Record<string, string>>): void {
  const present = Object.entries(entries).filter(([, value]) => value !== '')
  writer.long(1)
  if (present.length > 0) writer.long(present.length)
  for (const [key, value] of present) {
    writer.string(key)
    writer.string(value)
  }
  writer.long(0)
}
