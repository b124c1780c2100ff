// Made-up trades in the shape of Binance's (TradeV2): a seeded stream of symbols, random-walk prices, rising times. Main
// thread. Invariant: integer and plain double arithmetic only, so that a seed gives the same bytes on every machine; per
// record nothing is allocated, everything constant about a symbol is encoded beforehand.
import { AvroWriter } from './avro-writer.ts'
import { partitionFor } from './murmur2.ts'
import { Random } from './random.ts'

export interface TradeStreamOptions {
  readonly schemaId: number
  readonly seed: number
  readonly symbols: number
  readonly partitions: number
  /** Time of the first trade, µs since 1970 UTC. */
  readonly startUs: number
  /** µs from one trade to the next on average; the n-th lies in [n, n + 1) steps after the start. */
  readonly stepUs: number
}

const assetClassCrypto = 1
const sideBuy = 0
const sideSell = 1
const unit = 100_000_000 // decimals have scale 8
const priceMax = 9_000_000_000_000_000 // below 2^53, and 16 of the 18 digits

/** Base assets with a price in USDT to start from; symbols beyond the list get made-up bases. */
const bases: readonly (readonly [name: string, price: number])[] = [
  ['BTC', 95_000],
  ['ETH', 3_300],
  ['BNB', 900],
  ['SOL', 140],
  ['XRP', 2.1],
  ['DOGE', 0.14],
  ['ADA', 0.39],
  ['AVAX', 13.8],
  ['LINK', 13.2],
  ['DOT', 2.1],
  ['LTC', 76],
  ['UNI', 5.4],
  ['ATOM', 2.5],
  ['NEAR', 1.7],
  ['TRX', 0.3],
  ['XLM', 0.23],
  ['FIL', 1.5],
  ['APT', 1.8],
  ['ARB', 0.2],
  ['SHIB', 0.0000086],
]
const quote = 'USDT'

interface SymbolParts {
  readonly key: Uint8Array
  readonly partition: number
  /** symbol, exchange, asset_class. */
  readonly instrument: Uint8Array
  /** vendor_data after a buyer-maker flag of false and of true. */
  readonly vendorData: readonly [Uint8Array, Uint8Array]
}

const tradeIdPrefix = Uint8Array.from(Buffer.from('BINANCE-'))
const currency = encode((writer) => writer.string(quote))

export class TradeStream {
  /** Of the trade that `next` wrote last. */
  partition = 0
  timestampMs = 0
  key: Uint8Array = new Uint8Array(0)

  readonly #random: Random
  readonly #parts: readonly SymbolParts[]
  readonly #prices: Float64Array
  readonly #sequences: Float64Array
  readonly #options: TradeStreamOptions
  #symbol = 0
  #stepStartUs: number
  #timestampUs = 0

  constructor(options: TradeStreamOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#parts = Array.from({ length: options.symbols }, (_, index) => symbolParts(index, options.partitions))
    this.#prices = Float64Array.from({ length: options.symbols }, (_, index) => startPrice(index))
    this.#sequences = new Float64Array(options.symbols)
    this.#stepStartUs = options.startUs
  }

  /** Moves on to the next trade: chooses its symbol (thus key and partition) and time. {@link write} writes it. */
  advance(): void {
    const random = this.#random
    this.#symbol = random.below(this.#parts.length)
    this.#timestampUs = this.#stepStartUs + Math.floor(((random.word() >>> 0) * this.#options.stepUs) / 0x1_0000_0000)
    this.#stepStartUs += this.#options.stepUs
    const parts = this.#parts[this.#symbol] ?? none
    this.partition = parts.partition
    this.key = parts.key
    this.timestampMs = Math.floor(this.#timestampUs / 1000)
  }

  /** Frame and datum of the trade that {@link advance} chose; called exactly once per trade. */
  write(writer: AvroWriter): void {
    const random = this.#random
    const symbol = this.#symbol
    const parts = this.#parts[symbol] ?? none
    const sequence = (this.#sequences[symbol] ?? 0) + 1
    this.#sequences[symbol] = sequence
    const isBuyerMaker = random.word() & 1

    writer.frame(this.#options.schemaId)
    // Version 4 and variant bits of RFC 9562, as an ingester's random id has them.
    const second = (random.word() & ~0xf000) | 0x4000
    const third = (random.word() & 0x3fff_ffff) | 0x8000_0000
    writer.uuid(random.word(), second, third, random.word())
    writer.numbered(tradeIdPrefix, sequence)
    writer.encoded(parts.instrument)
    writer.long(this.#timestampUs)
    writer.smallDecimal(this.#nextPrice(symbol))
    writer.smallDecimal(1000 + random.below(1 << 21) * 37)
    writer.encoded(currency)
    writer.byte((isBuyerMaker === 1 ? sideSell : sideBuy) << 1)
    writer.byte(0) // trade_conditions: none
    writer.byte(1 << 1)
    writer.long(sequence)
    writer.long(this.#timestampUs + 1000 + random.below(50_000)) // ingested 1 to 51 ms later
    writer.byte(0) // platform_sequence: null
    writer.encoded(parts.vendorData[isBuyerMaker === 1 ? 1 : 0])
  }

  /** A step of at most one part in 8192 either way, and of at least one unit, kept inside decimal(18, 8). */
  #nextPrice(symbol: number): number {
    const price = this.#prices[symbol] ?? unit
    const width = Math.max(1, Math.floor(price / 8192))
    const step = Math.floor((((this.#random.word() >>> 0) - 0x8000_0000) * width) / 0x8000_0000)
    const next = Math.min(priceMax, Math.max(1, price + step))
    this.#prices[symbol] = next
    return next
  }
}

/** Name of the index-th base asset; beyond the list T0020, T0021, … */
function baseName(index: number): string {
  return bases[index]?.[0] ?? `T${String(index).padStart(4, '0')}`
}

export const symbolName = (index: number): string => baseName(index) + quote

function startPrice(index: number): number {
  const known = bases[index]?.[1]
  return known === undefined ? unit * (1 + ((index * 7919) % 500)) : Math.round(known * unit)
}

function symbolParts(index: number, partitions: number): SymbolParts {
  const name = symbolName(index)
  const key = Uint8Array.from(Buffer.from(name))
  const vendorData = (isBuyerMaker: boolean): Uint8Array =>
    encode((writer) => {
      writer.long(1)
      writer.long(3)
      for (const text of [
        'is_buyer_maker',
        String(isBuyerMaker),
        'base_asset',
        baseName(index),
        'quote_asset',
        quote,
      ]) {
        writer.string(text)
      }
      writer.long(0)
    })
  return {
    key,
    partition: partitionFor(key, partitions),
    instrument: encode((writer) => {
      writer.string(name)
      writer.string('BINANCE')
      writer.long(assetClassCrypto)
    }),
    vendorData: [vendorData(false), vendorData(true)],
  }
}

const none: SymbolParts = {
  key: new Uint8Array(0),
  partition: 0,
  instrument: new Uint8Array(0),
  vendorData: [new Uint8Array(0), new Uint8Array(0)],
}

function encode(write: (writer: AvroWriter) => void): Uint8Array {
  const writer = new AvroWriter()
  write(writer)
  return writer.view(0, writer.at).slice()
}
