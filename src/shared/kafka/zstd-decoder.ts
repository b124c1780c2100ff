// Zstandard decoder (RFC 8878) for a Node whose zlib has none: no npm decoder stops at a bound and survives hostile tables (an
// endless loop in one, unchecked lengths). Pure; encode workers. Invariants: work is bounded by the input and the output bound;
// every read lies in the block, every write in the output, every match in what its frame has put out.
// Dictionaries are refused; content checksums are stepped over, as the record batch has a CRC of its own.
import {
  bitsAt,
  type FseTable,
  type HuffmanTable,
  literalBases,
  literalBits,
  literalDefault,
  matchBases,
  matchBits,
  matchDefault,
  offsetDefault,
  readFseTable,
  readHuffmanTable,
  rleTable,
  streamBits,
  ZstdFault,
} from './zstd-tables.ts'

/** More output than the caller allows. */
export class ZstdBound extends Error {}

const MAGIC = 0xfd2fb528
const BLOCK_BYTES_MAX = 128 * 1024
/** From so many bytes on, a call that copies is worth its cost. */
const COPY_BYTES_MIN = 48
/** `bitsAt` may look so far beyond the last byte. */
const PADDING_BYTES = 8

/** Of the one block being decoded. */
const literalsOfBlock = new Uint8Array(BLOCK_BYTES_MAX)

interface SequenceTables {
  readonly literal: FseTable
  readonly offset: FseTable
  readonly match: FseTable
}

/** Decompresses all frames of `input` to at most `bytesMax` bytes. Errors: ZstdFault, ZstdBound. */
export function decodeZstd(input: Uint8Array, bytesMax: number): Uint8Array {
  const bytes = new Uint8Array(input.length + PADDING_BYTES)
  bytes.set(input)
  const decoder = new Decoder(bytes, input.length, bytesMax)
  while (decoder.at < input.length) decoder.frame()
  return decoder.output()
}

/** Where the first frame ends, by its block headers alone; -1 where it is no frame or is cut short. */
export function firstFrameEnd(bytes: Uint8Array): number {
  const flags = bytes[4] ?? 0
  if (bytes.length < 9 || bytes[0] !== 0x28 || bytes[1] !== 0xb5 || bytes[2] !== 0x2f || bytes[3] !== 0xfd) return -1
  const isSingleSegment = (flags & 0x20) !== 0
  let at = 5 + (isSingleSegment ? 0 : 1) + dictionaryIdBytes(flags) + contentSizeBytes(flags)
  for (let isLast = false; !isLast; ) {
    if (at + 3 > bytes.length) return -1
    const header = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16)
    isLast = (header & 1) === 1
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3)
  }
  return at + ((flags & 0x04) === 0 ? 0 : 4)
}

const dictionaryIdBytes = (flags: number): number => [0, 1, 2, 4][flags & 3] ?? 0
const contentSizeBytes = (flags: number): number => [(flags & 0x20) === 0 ? 0 : 1, 2, 4, 8][flags >> 6] ?? 0

class Decoder {
  /** Next byte to read. */
  at = 0
  readonly #bytes: Uint8Array
  readonly #end: number
  readonly #bytesMax: number
  #out = new Uint8Array(0)
  #outAt = 0
  // State of a frame.
  #frameStart = 0
  #frameOutMax = 0
  #huffman: HuffmanTable | null = null
  #tables: SequenceTables | null = null
  readonly #repeats = new Int32Array(3)
  // State of a block.
  readonly #literals = literalsOfBlock
  #literalCount = 0

  constructor(bytes: Uint8Array, end: number, bytesMax: number) {
    this.#bytes = bytes
    this.#end = end
    this.#bytesMax = bytesMax
  }

  output(): Uint8Array {
    return this.#out.subarray(0, this.#outAt)
  }

  frame(): void {
    const magic = this.#number(4)
    if ((magic & 0xfffffff0) >>> 0 === 0x184d2a50) {
      this.#skip(this.#number(4))
      return
    }
    if (magic !== MAGIC) throw new ZstdFault('not a zstd frame')
    const hasChecksum = this.#frameHeader()
    this.#huffman = null
    this.#tables = null
    this.#repeats.set([1, 4, 8])
    for (let isLast = false; !isLast; ) {
      const header = this.#number(3)
      isLast = (header & 1) === 1
      this.#block((header >> 1) & 3, header >> 3)
    }
    if (hasChecksum) this.#skip(4)
  }

  /** Section 3.1.1.1. Returns whether a checksum ends the frame. */
  #frameHeader(): boolean {
    const flags = this.#number(1)
    if ((flags & 0x08) !== 0) throw new ZstdFault('reserved flag')
    if ((flags & 0x20) === 0) this.#skip(1) // window: all output of a frame is kept, so that it needs no memory
    if (this.#number(dictionaryIdBytes(flags)) !== 0) throw new ZstdFault('frame needs a dictionary')
    const sizeBytes = contentSizeBytes(flags)
    const size = sizeBytes === 0 ? null : this.#number(sizeBytes) + (sizeBytes === 2 ? 256 : 0)
    this.#frameStart = this.#outAt
    this.#frameOutMax = size === null ? this.#bytesMax : this.#outAt + size
    if (this.#frameOutMax > this.#bytesMax) throw new ZstdBound(`frame of ${size} bytes`)
    return (flags & 0x04) !== 0
  }

  /** Section 3.1.1.2. */
  #block(type: number, size: number): void {
    if (size > BLOCK_BYTES_MAX) throw new ZstdFault('block too large')
    const next = this.at + (type === 1 ? 1 : size)
    if (next > this.#end) throw new ZstdFault('block cut short')
    if (type === 0) {
      this.#reserve(size)
      this.#out.set(this.#bytes.subarray(this.at, next), this.#outAt)
      this.#outAt += size
    } else if (type === 1) {
      this.#reserve(size)
      this.#out.fill(this.#bytes[this.at] as number, this.#outAt, this.#outAt + size)
      this.#outAt += size
    } else if (type === 2) {
      this.#sequences(this.#readLiterals(next), next)
    } else {
      throw new ZstdFault('reserved block type')
    }
    this.at = next
  }

  /** Makes room for so many bytes of output, within the bounds. */
  #reserve(count: number): void {
    const needed = this.#outAt + count
    if (needed > this.#frameOutMax) {
      if (needed > this.#bytesMax) throw new ZstdBound(`more than ${this.#bytesMax} bytes`)
      throw new ZstdFault('frame longer than it states')
    }
    if (needed <= this.#out.length) return
    // A stated size is not believed before bytes of that number have come.
    const room = Math.max(needed, Math.min(this.#frameOutMax, Math.max(2 * this.#out.length, 8 * this.#end)))
    const larger = new Uint8Array(room)
    larger.set(this.output())
    this.#out = larger
  }

  /** Section 3.1.1.3.1: fills the literals; returns the byte after the section. */
  #readLiterals(next: number): number {
    const head = this.#bytes[this.at] as number
    const type = head & 3
    const format = (head >> 2) & 3
    if (type < 2) return this.#plainLiterals(type, format, next)
    // Sizes of 10, 14 or 18 bits; only format 0 has one stream, the others have four.
    const sizeBits = format < 2 ? 10 : format * 4 + 6
    const headBytes = format < 2 ? 3 : format + 2
    const first = this.at + headBytes
    const count = bitsAt(this.#bytes, this.at, 4, sizeBits)
    const end = first + bitsAt(this.#bytes, this.at, 4 + sizeBits, sizeBits)
    if (count > BLOCK_BYTES_MAX || end > next) throw new ZstdFault('literals too long')
    let at = first
    if (type === 2) {
      const parsed = readHuffmanTable(this.#bytes, first, end)
      this.#huffman = parsed.table
      at = parsed.end
    }
    const huffman = this.#huffman
    if (huffman === null) throw new ZstdFault('literals without a table')
    if (format === 0) this.#huffmanStream(huffman, at, end, 0, count)
    else this.#huffmanStreams(huffman, at, end, count)
    this.#literalCount = count
    return end
  }

  #plainLiterals(type: number, format: number, next: number): number {
    const headBytes = (format & 1) === 0 ? 1 : format === 1 ? 2 : 3
    const shift = (format & 1) === 0 ? 3 : 4
    const count = bitsAt(this.#bytes, this.at, shift, headBytes * 8 - shift)
    const first = this.at + headBytes
    const end = first + (type === 1 ? 1 : count)
    if (count > BLOCK_BYTES_MAX || end > next) throw new ZstdFault('literals too long')
    if (type === 1) this.#literals.fill(this.#bytes[first] as number, 0, count)
    else this.#literals.set(this.#bytes.subarray(first, end))
    this.#literalCount = count
    return end
  }

  /** Four streams with a jump table of three lengths. */
  #huffmanStreams(table: HuffmanTable, first: number, end: number, count: number): void {
    const share = (count + 3) >> 2
    if (first + 6 > end || 3 * share > count) throw new ZstdFault('literal streams cut short')
    let at = first + 6
    for (let i = 0; i < 4; i++) {
      const streamEnd = i === 3 ? end : at + bitsAt(this.#bytes, first, 16 * i, 16)
      if (streamEnd > end) throw new ZstdFault('literal streams cut short')
      this.#huffmanStream(table, at, streamEnd, i * share, i === 3 ? count : (i + 1) * share)
      at = streamEnd
    }
  }

  #huffmanStream(table: HuffmanTable, first: number, end: number, from: number, to: number): void {
    const bytes = this.#bytes
    const literals = this.#literals
    const { maxBits, symbols, bits } = table
    let at = streamBits(bytes, first, end)
    for (let i = from; i < to; i++) {
      const code = bitsAt(bytes, first, at - maxBits, maxBits)
      literals[i] = symbols[code] as number
      at -= bits[code] as number
    }
    if (at !== 0) throw new ZstdFault('literal stream of another length')
  }

  /** Section 3.1.1.3.2: copies literals and matches to the output. */
  #sequences(first: number, next: number): void {
    if (first >= next) throw new ZstdFault('no sequences section')
    const head = this.#bytes[first] as number
    const headBytes = head < 128 ? 1 : head < 255 ? 2 : 3
    if (first + headBytes > next) throw new ZstdFault('sequences cut short')
    const b1 = this.#bytes[first + 1] as number
    const b2 = this.#bytes[first + 2] as number
    const count = head < 128 ? head : head < 255 ? ((head - 128) << 8) + b1 : b1 + (b2 << 8) + 0x7f00
    const blockEnd = this.#outAt + BLOCK_BYTES_MAX
    let literalAt = 0
    if (count > 0) {
      this.#reserve(Math.min(BLOCK_BYTES_MAX, this.#frameOutMax - this.#outAt))
      literalAt = this.#execute(this.#readTables(first + headBytes, next), next, count, blockEnd)
    } else if (first + headBytes !== next) throw new ZstdFault('bytes after the last sequence')
    const rest = this.#literalCount - literalAt
    if (this.#outAt + rest > blockEnd) throw new ZstdFault('block too large')
    this.#reserve(rest)
    this.#out.set(this.#literals.subarray(literalAt, this.#literalCount), this.#outAt)
    this.#outAt += rest
  }

  /** Returns the byte after the tables, which are kept for blocks that repeat them. */
  #readTables(first: number, next: number): number {
    if (first >= next) throw new ZstdFault('sequences cut short')
    const modes = this.#bytes[first] as number
    if ((modes & 3) !== 0) throw new ZstdFault('reserved mode')
    const before = this.#tables
    let at = first + 1
    const table = (mode: number, standard: FseTable, last: FseTable | undefined, logMax: number, symbolMax: number) => {
      if (mode === 0) return standard
      if (mode === 1) {
        const symbol = this.#bytes[at] as number
        if (at++ >= next || symbol > symbolMax) throw new ZstdFault('symbol out of range')
        return rleTable(symbol)
      }
      if (mode === 2) {
        const parsed = readFseTable(this.#bytes, at, next, logMax, symbolMax)
        at = parsed.end
        return parsed.table
      }
      if (last === undefined) throw new ZstdFault('no table to repeat')
      return last
    }
    const literal = table(modes >> 6, literalDefault, before?.literal, 9, 35)
    const offset = table((modes >> 4) & 3, offsetDefault, before?.offset, 8, 31)
    const match = table((modes >> 2) & 3, matchDefault, before?.match, 9, 52)
    this.#tables = { literal, offset, match }
    return at
  }

  /** Returns how many literals were used. */
  #execute(first: number, next: number, count: number, blockEnd: number): number {
    if (this.#tables === null) throw new ZstdFault('no tables')
    const { literal, offset, match } = this.#tables
    const bytes = this.#bytes
    let at = streamBits(bytes, first, next) - literal.log
    let literalState = bitsAt(bytes, first, at, literal.log)
    at -= offset.log
    let offsetState = bitsAt(bytes, first, at, offset.log)
    at -= match.log
    let matchState = bitsAt(bytes, first, at, match.log)
    const literals = this.#literals
    const literalCount = this.#literalCount
    const out = this.#out
    const outMax = this.#frameOutMax
    let literalAt = 0
    let outAt = this.#outAt
    for (let i = 0; i < count; i++) {
      const offsetCode = offset.symbols[offsetState] as number
      // Up to 31 bits, in two reads.
      const highBits = offsetCode >> 1
      at -= highBits
      const high = bitsAt(bytes, first, at, highBits)
      at -= offsetCode - highBits
      const value =
        2 ** offsetCode + high * 2 ** (offsetCode - highBits) + bitsAt(bytes, first, at, offsetCode - highBits)
      const matchCode = match.symbols[matchState] as number
      at -= matchBits[matchCode] as number
      const matchCount = (matchBases[matchCode] as number) + bitsAt(bytes, first, at, matchBits[matchCode] as number)
      const literalCode = literal.symbols[literalState] as number
      at -= literalBits[literalCode] as number
      const copied =
        (literalBases[literalCode] as number) + bitsAt(bytes, first, at, literalBits[literalCode] as number)
      const end = outAt + copied + matchCount
      if (literalAt + copied > literalCount || end > blockEnd) throw new ZstdFault('sequence too long')
      if (end > outMax) this.#reserve(end - this.#outAt) // throws: the frame's or the caller's bound
      if (copied < COPY_BYTES_MIN) {
        for (let to = outAt + copied, from = literalAt + copied; to > outAt; ) out[--to] = literals[--from] as number
      } else {
        out.set(literals.subarray(literalAt, literalAt + copied), outAt)
      }
      literalAt += copied
      outAt += copied
      const distance = this.#distance(value, copied, outAt)
      if (distance < matchCount || matchCount < COPY_BYTES_MIN) {
        for (; outAt < end; outAt++) out[outAt] = out[outAt - distance] as number
      } else {
        out.copyWithin(outAt, outAt - distance, outAt - distance + matchCount)
        outAt = end
      }
      if (i === count - 1) break
      at -= literal.bits[literalState] as number
      literalState =
        (literal.bases[literalState] as number) + bitsAt(bytes, first, at, literal.bits[literalState] as number)
      at -= match.bits[matchState] as number
      matchState = (match.bases[matchState] as number) + bitsAt(bytes, first, at, match.bits[matchState] as number)
      at -= offset.bits[offsetState] as number
      offsetState = (offset.bases[offsetState] as number) + bitsAt(bytes, first, at, offset.bits[offsetState] as number)
      if (at < 0) throw new ZstdFault('sequences cut short')
    }
    if (at !== 0) throw new ZstdFault('sequence stream of another length')
    this.#outAt = outAt
    return literalAt
  }

  /** Section 3.1.1.5: a distance, or one of the last three; with no literals before it, the next of them. */
  #distance(value: number, literalCount: number, outAt: number): number {
    const repeats = this.#repeats
    const index = value > 3 ? 3 : value - 1 + (literalCount === 0 ? 1 : 0)
    const r0 = repeats[0] as number
    const r1 = repeats[1] as number
    const r2 = repeats[2] as number
    let distance = r0
    if (value > 3) distance = value - 3
    else if (index === 1) distance = r1
    else if (index === 2) distance = r2
    else if (index === 3) distance = r0 - 1
    if (distance <= 0 || distance > outAt - this.#frameStart) throw new ZstdFault('match before the frame')
    if (index > 1) repeats[2] = r1
    if (index > 0) {
      repeats[1] = r0
      repeats[0] = distance
    }
    return distance
  }

  /** Little-endian, as a double: 8 bytes only serve to be compared with a bound. */
  #number(byteCount: number): number {
    if (this.at + byteCount > this.#end) throw new ZstdFault('frame cut short')
    let value = 0
    for (let i = byteCount - 1; i >= 0; i--) value = value * 256 + (this.#bytes[this.at + i] as number)
    this.at += byteCount
    return value
  }

  #skip(byteCount: number): void {
    this.at += byteCount
    if (this.at > this.#end) throw new ZstdFault('frame cut short')
  }
}
