// Forty kinds of records that are no trades, each with the code its dead letter must have. Pure.
import type { ErrorCode } from '../../src/shared/errors.ts'
import type { RecordInput } from '../../src/shared/kafka/record-batch-writer.ts'
import { avroString, tradeRecord, zigzag } from './trade-v2.ts'

/** An id that only a registry which was repaired knows: the trades schema once more. */
export const LATER_ID = 260

const AT_MS = 1_768_300_000_000
const at = (timestampMs: number, value: Uint8Array): RecordInput => ({ timestampMs, key: Buffer.from('bad'), value })
const record = (value: Uint8Array): RecordInput => at(AT_MS, value)
const frame = (schemaId: number, value: Iterable<number>): Uint8Array => {
  const id = Buffer.alloc(4)
  id.writeInt32BE(schemaId)
  return Uint8Array.from([0, ...id, ...value])
}

const fields = {
  message_id: avroString('id'),
  trade_id: avroString('trade'),
  symbol: avroString('BTCUSDT'),
  exchange: avroString('BINANCE'),
  asset_class: zigzag(1),
  timestamp: zigzag(AT_MS * 1000),
  price: [2, 1],
  quantity: [2, 1],
  currency: avroString('USDT'),
  side: zigzag(0),
  trade_conditions: [0],
  source_sequence: [0],
  ingestion_timestamp: zigzag(AT_MS * 1000),
  platform_sequence: [0],
  vendor_data: [0],
}
/** A trade with other bytes in one field. */
const trade = (changed: Partial<typeof fields> = {}): RecordInput =>
  record(frame(1, Object.values({ ...fields, ...changed }).flat()))

const bytes = (...own: readonly number[]): number[] => [...zigzag(own.length), ...own]
const ones = (count: number): number[] => Array.from({ length: count }, () => 0xff)

export const wholeTrade = trade()

export const hostileKinds: readonly (readonly [ErrorCode, RecordInput])[] = [
  ['RECORD_NOT_FRAMED', record(Buffer.from('{"json": true}'))],
  ['RECORD_NOT_FRAMED', record(new Uint8Array(0))],
  ['RECORD_NOT_FRAMED', record(Uint8Array.of(0, 0, 0, 0))],
  ['RECORD_NOT_FRAMED', record(Uint8Array.of(1, 0, 0, 0, 1, 7))],
  ['RECORD_NOT_FRAMED', { ...record(Buffer.from('\u001b[31mnot avro\n')), headers: [{ key: 'größe', value: null }] }],
  ['RECORD_SCHEMA_UNKNOWN', record(frame(77, tradeRecord(11)))],
  ['RECORD_SCHEMA_UNKNOWN', record(frame(0x7fffffff, tradeRecord(11)))],
  ['RECORD_SCHEMA_UNKNOWN', record(frame(LATER_ID, tradeRecord(12).slice(0, 60)))],
  ['RECORD_SCHEMA_UNKNOWN', record(frame(LATER_ID, tradeRecord(13)))],
  ['RECORD_TRUNCATED', record(frame(1, []))],
  ['RECORD_TRUNCATED', record(frame(1, tradeRecord(1).slice(0, 60)))],
  ['RECORD_TRUNCATED', record(frame(1, tradeRecord(8).slice(0, -1)))],
  ['RECORD_TRAILING_BYTES', record(frame(1, [...tradeRecord(9), 0]))],
  ['RECORD_TRAILING_BYTES', record(frame(1, [...tradeRecord(2), 1, 2]))],
  ['RECORD_TRAILING_BYTES', record(frame(1, [...tradeRecord(10), ...new Uint8Array(9_000)]))],
  ['RECORD_VARINT', record(frame(1, ones(40)))],
  ['RECORD_VARINT', trade({ timestamp: [...ones(10), 0] })],
  ['RECORD_VARINT', trade({ source_sequence: [2, ...ones(9), 2] })],
  ['RECORD_VARINT', trade({ trade_conditions: ones(11) })],
  // Cut within a text: its length is beyond what is left.
  ['RECORD_BOUND', record(frame(1, tradeRecord(8).slice(0, 3)))],
  ['RECORD_BOUND', trade({ message_id: zigzag(1_000_000_000) })],
  ['RECORD_BOUND', trade({ symbol: zigzag(-1) })],
  ['RECORD_BOUND', trade({ price: zigzag(-5) })],
  ['RECORD_BOUND', trade({ trade_conditions: zigzag(1_000_000_000) })],
  ['RECORD_BOUND', trade({ trade_conditions: [...zigzag(-3), ...zigzag(1_000_000_000), 0] })],
  ['RECORD_BOUND', trade({ trade_conditions: zigzag(-(2n ** 63n)) })],
  ['RECORD_BOUND', trade({ vendor_data: [2, ...zigzag(2n ** 40n)] })],
  ['RECORD_VALUE', trade({ asset_class: zigzag(99) })],
  ['RECORD_VALUE', trade({ side: zigzag(-1) })],
  ['RECORD_VALUE', trade({ source_sequence: zigzag(2) })],
  ['RECORD_VALUE', trade({ platform_sequence: zigzag(-1) })],
  ['RECORD_VALUE', trade({ currency: bytes(0xc3, 0x28) })],
  ['RECORD_VALUE', trade({ currency: bytes(0xed, 0xa0, 0x80) })],
  ['RECORD_VALUE', trade({ exchange: bytes(0xc0, 0x80) })],
  ['RECORD_VALUE', trade({ price: bytes(1, ...new Uint8Array(16)) })],
  ['RECORD_VALUE', trade({ quantity: bytes(0x0d, 0xe0, 0xb6, 0xb3, 0xa7, 0x64, 0x00, 0x00) })],
  ['RECORD_VALUE', trade({ trade_conditions: [2, ...bytes(0xff), 0] })],
  ['RECORD_VALUE', trade({ vendor_data: [2, 2, ...avroString('key'), ...bytes(0xfe), 0] })],
  ['RECORD_PARTITION_WINDOW', at(1_600_000_000_000, frame(1, tradeRecord(4)))],
  ['RECORD_PARTITION_WINDOW', trade({ timestamp: zigzag(Date.UTC(1985, 0, 1) * 1000) })],
]
