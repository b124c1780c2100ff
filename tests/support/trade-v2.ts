// TradeV2 as a test needs it: the schema that ships, and records of it encoded by a few lines of our own (no BigInt, no library).
import { readFileSync } from 'node:fs'

/** From the folder of the project, where every test and every command of it is run, compiled or not. */
export const tradeV2Json = readFileSync('schemas/trade_v2.avsc', 'utf8')

/** Bytes of an Avro long. */
export function zigzag(value: bigint | number): number[] {
  const signed = BigInt(value)
  let rest = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n))
  const bytes: number[] = []
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  return [...bytes, Number(rest)]
}

export const avroString = (text: string): number[] => {
  const bytes = Buffer.from(text)
  return [...zigzag(bytes.length), ...bytes]
}

const decimal = (unscaled: number): number[] => {
  const hex = unscaled.toString(16).padStart(16, '0')
  return [...zigzag(8), ...Buffer.from(hex, 'hex')]
}

/** Trade number `index`, of eight symbols; every other one without vendor data. */
export function tradeRecord(index: number): Uint8Array {
  const symbols = ['BTCUSDT', 'ETHUSDT', 'BNBUSDT', 'SOLUSDT', 'XRPUSDT', 'ADAUSDT', 'DOGEUSDT', 'TRXUSDT']
  const time = 1_768_300_000_000_000 + index * 1234
  const id = `${(index >>> 0).toString(16).padStart(8, '0')}-7d1c-4f3a-9e55-0123456789ab`
  const vendor = [1, ...zigzag(-1), ...zigzag(22), ...avroString('event_type'), ...avroString('trade-tick'), 0]
  return Uint8Array.from([
    ...avroString(id),
    ...avroString(`BINANCE-${789012 + index}`),
    ...avroString(symbols[index % 8] ?? ''),
    ...avroString('BINANCE'),
    ...zigzag(1),
    ...zigzag(time),
    ...decimal(9_123_456_000_000 + index * 1000),
    ...decimal(12_345_000 + index),
    ...avroString('USDT'),
    ...zigzag(index & 1),
    0,
    2,
    ...zigzag(789012 + index),
    ...zigzag(time + 45_000),
    0,
    ...(index % 2 === 0 ? [0] : [2, ...vendor.slice(1)]),
  ])
}
