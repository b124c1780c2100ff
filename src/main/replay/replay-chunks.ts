// Which dead letters a replay sends, and in what chunks: letters that are no rows yet, of schemas that the registry has and the table
// can take, each once, a chunk for itself by error code. Main thread. Invariant: memory is one row group, a round of places and the
// chunks that are being filled, however many letters there are.
import type { DeadLetter, LetterHead } from '../../shared/letters/dead-letter.ts'
import type { LetterFilter } from '../../shared/letters/letter-filter.ts'
import { LetterPlaces, markRows, mayBeReplayed } from '../../shared/letters/letter-places.ts'
import type { LetterFile, PinnedLetters } from '../../shared/letters/pinned-letters.ts'
import { filesOf, readLetterFile } from '../../shared/letters/read-letters.ts'
import type { Store } from '../../shared/store/store.ts'

/** Letters of one error code. */
export interface LetterChunk {
  readonly code: string
  readonly letters: readonly DeadLetter[]
}

export interface ChunkSource {
  readonly store: Store
  readonly pinned: PinnedLetters
  readonly filter: LetterFilter
  /** Null: send it; else why its schema keeps it what it is. */
  readonly obstacle: (head: LetterHead) => Promise<string | null>
  /** Most letters of a chunk. */
  readonly lettersMax: number
  /** A letter that is not sent. */
  readonly left: (head: LetterHead, why: 'row' | { readonly obstacle: string }) => void
}

/** Places of one round: main is looked through once a round. */
const ROUND_PLACES = 500_000
const CHUNK_BYTES = 4 * 1024 * 1024
const HELD_BYTES = 16 * 1024 * 1024
/** Letters whose bytes are read together. */
const READ_LETTERS = 50_000

/** Errors: those of reading the tables. */
export async function* letterChunks(source: ChunkSource): AsyncGenerator<LetterChunk, void, undefined> {
  const buffers = new ChunkBuffers(source.lettersMax)
  let round: LetterFile[] = []
  let places = new LetterPlaces()
  for (const file of filesOf(source.pinned, source.filter)) {
    round.push(file)
    for await (const { heads } of readLetterFile(source.store, source.pinned, file, source.filter)) {
      for (const head of heads) places.add(head)
    }
    if (places.count < ROUND_PLACES) continue
    yield* roundChunks(source, round, places, buffers)
    round = []
    places = new LetterPlaces()
  }
  yield* roundChunks(source, round, places, buffers)
  yield* buffers.rest()
}

async function* roundChunks(
  source: ChunkSource,
  files: readonly LetterFile[],
  places: LetterPlaces,
  buffers: ChunkBuffers,
): AsyncGenerator<LetterChunk, void, undefined> {
  const { store, pinned, filter } = source
  if (mayBeReplayed(pinned)) await markRows(store, pinned.main, places)
  const taken = new LetterPlaces()
  for (const file of files) {
    for await (const { heads, bodies } of readLetterFile(store, pinned, file, filter)) {
      const sent = await chosen(source, heads, places, taken)
      for (let first = 0; first < sent.length; first += READ_LETTERS) {
        for (const letter of await bodies(sent.slice(first, first + READ_LETTERS))) yield* buffers.add(letter)
      }
    }
  }
}

async function chosen(
  { obstacle, left }: ChunkSource,
  heads: readonly LetterHead[],
  places: LetterPlaces,
  taken: LetterPlaces,
): Promise<LetterHead[]> {
  const sent: LetterHead[] = []
  for (const head of heads) {
    // A letter may be there twice, where its offset was read again by hand.
    if (!taken.add(head)) continue
    const why = places.isRow(head) ? null : await obstacle(head)
    if (places.isRow(head)) left(head, 'row')
    else if (why !== null) left(head, { obstacle: why })
    else sent.push(head)
  }
  return sent
}

/** Chunks that are being filled, one a code; the largest goes first where together they hold too much. */
class ChunkBuffers {
  readonly #held = new Map<string, { letters: DeadLetter[]; bytes: number }>()
  readonly #lettersMax: number
  #bytes = 0

  constructor(lettersMax: number) {
    this.#lettersMax = lettersMax
  }

  *add(letter: DeadLetter): Generator<LetterChunk> {
    const buffer = this.#held.get(letter.code) ?? { letters: [], bytes: 0 }
    this.#held.set(letter.code, buffer)
    const bytes = bytesOf(letter)
    buffer.letters.push(letter)
    buffer.bytes += bytes
    this.#bytes += bytes
    if (buffer.letters.length >= this.#lettersMax || buffer.bytes >= CHUNK_BYTES) yield this.#cut(letter.code)
    else if (this.#bytes >= HELD_BYTES) yield this.#cut(this.#largest())
  }

  *rest(): Generator<LetterChunk> {
    for (const code of [...this.#held.keys()]) yield this.#cut(code)
  }

  #cut(code: string): LetterChunk {
    const buffer = this.#held.get(code)
    this.#held.delete(code)
    this.#bytes -= buffer?.bytes ?? 0
    return { code, letters: buffer?.letters ?? [] }
  }

  #largest(): string {
    return [...this.#held].reduce((most, each) => (each[1].bytes > most[1].bytes ? each : most))[0]
  }
}

/** With what an object costs. */
const bytesOf = ({ key, value, headers }: DeadLetter): number =>
  200 +
  (key?.length ?? 0) +
  (value?.length ?? 0) +
  headers.reduce((sum, each) => sum + (each.value?.length ?? 0) + 50, 0)
