// Records for hostile logs, the same for the same seed: sizes from none to a megabyte, keys and values null, empty or repeated. Most
// values are framed Avro of one schema, so that `k2 run` makes rows of them; the oddities are not, and become dead letters.
import { Random } from '../../../src/main/feed/random.ts'
import { zigzag } from '../trade-v2.ts'
import type { MadeRecord } from './producers.ts'

/** 2100: later than every transaction marker, which carries the time of the day, so that a record after one may begin a segment. */
const START_MS = 4_102_444_800_000

/** Of the values that are framed; their schema id is 1. */
export const tickSchema = {
  type: 'record',
  name: 'Tick',
  namespace: 'k2.test',
  fields: [{ name: 'payload', type: 'bytes' }],
}
const FRAME = Buffer.from([0, 0, 0, 0, 1])
/** Whether a value, in base64, is a tick. */
export const isTick = (value: string): boolean => Buffer.from(value, 'base64').subarray(0, FRAME.length).equals(FRAME)

export const text = (plain: string): string => Buffer.from(plain).toString('base64')

export class RecordMaker {
  readonly #random: Random
  #made = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
  }

  /** A whole number in [0, count). */
  below(count: number): number {
    return this.#random.below(count)
  }

  record(key: string | null, value: string | null): MadeRecord {
    return { key: key === null ? null : text(key), value, headers: [], timestamp: START_MS + 7 * this.#made++ }
  }

  /** Records with keys out of `keys`, values of up to `bytes` bytes. */
  some(count: number, options: { readonly keys?: number; readonly bytes?: number } = {}): MadeRecord[] {
    const { keys = 50, bytes = 60 } = options
    return Array.from({ length: count }, () =>
      this.record(`key-${this.below(keys)}`, this.value(this.below(bytes + 1))),
    )
  }

  /** A tick of so many bytes: half of them compress, the others do not. */
  value(bytes: number): string {
    const payload = Buffer.alloc(bytes, 'tick')
    for (let at = 0; at < bytes >> 1; at++) payload[at] = this.below(256)
    return Buffer.concat([FRAME, Buffer.from(zigzag(bytes)), payload]).toString('base64')
  }

  tombstone(key: string): MadeRecord {
    return this.record(key, null)
  }

  /** One of each kind of emptiness, and headers of every kind. */
  oddities(): MadeRecord[] {
    return [
      this.record(null, null),
      this.record('', ''),
      this.record(null, ''),
      this.record('key', null),
      this.record('clé é世界', text('value')),
      { ...this.record('key', text('value')), headers: [['name', text('value')]] },
      {
        ...this.record(null, text('value')),
        headers: [
          ['', ''],
          ['null', null],
          ['again', text('1')],
          ['again', text('2')],
          ['größe', this.value(300)],
        ],
      },
      // A marker's key, which no filter may take for one.
      { ...this.record(null, ''), key: Buffer.alloc(4).toString('base64') },
    ]
  }
}
