// Files of JSON lines that rotate by size and age. Main thread; owns the open file. Invariant: a file has its name only once it is whole
// and on disk; until then it ends in `.part`, and no file that is there is ever overwritten.
import { type FileHandle, link, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { IngestError } from '../../shared/errors.ts'

export interface RotatingOptions {
  readonly directory: string
  /** Begins the names. */
  readonly prefix: string
  /** A file is finished before a line would bring it beyond this; a line that is longer has a file of its own. */
  readonly bytesMax: number
  readonly ageMsMax: number
  /** Wall-clock ms. */
  readonly now: () => number
}

interface OpenFile {
  readonly handle: FileHandle
  readonly path: string
  readonly openedMs: number
  bytes: number
  lines: number
}

export interface FinishedFile {
  readonly path: string
  readonly bytes: number
  readonly lines: number
}

const BUFFER_BYTES = 256 * 1024

export class RotatingFiles {
  readonly finished: FinishedFile[] = []
  readonly #options: RotatingOptions
  #file: OpenFile | null = null
  #buffer: string[] = []
  #buffered = 0
  #count = 0

  constructor(options: RotatingOptions) {
    this.#options = options
  }

  /** Appends a line, which comes without its end. Errors: EXPORT_NOT_WRITABLE. */
  async write(line: string): Promise<void> {
    const bytes = Buffer.byteLength(line) + 1
    if (this.#file !== null && this.#isFull(this.#file, bytes)) await this.finish()
    const file = this.#file ?? (await this.#begin())
    this.#buffer.push(line)
    this.#buffered += bytes
    file.bytes += bytes
    file.lines++
    if (this.#buffered >= BUFFER_BYTES) await this.#flush(file)
  }

  /** Gives the open file its name. Errors: EXPORT_NOT_WRITABLE. */
  async finish(): Promise<void> {
    const file = this.#file
    if (file === null) return
    await this.#flush(file)
    await this.#tried(file.path, async () => {
      await file.handle.sync()
      await file.handle.close()
      // Unlike a rename, a link never replaces a file that is there.
      await link(`${file.path}.part`, file.path)
      await unlink(`${file.path}.part`)
    })
    this.#file = null
    this.finished.push({ path: file.path, bytes: file.bytes, lines: file.lines })
  }

  #isFull(file: OpenFile, bytes: number): boolean {
    const { bytesMax, ageMsMax, now } = this.#options
    return file.bytes + bytes > bytesMax || now() - file.openedMs >= ageMsMax
  }

  async #begin(): Promise<OpenFile> {
    const { directory, prefix, now } = this.#options
    const openedMs = now()
    const time = new Date(openedMs).toISOString().replaceAll(/[-:]/g, '')
    const number = String(++this.#count).padStart(6, '0')
    const path = join(directory, `${prefix}-${time}-${number}.jsonl`)
    return this.#tried(path, async () => {
      await mkdir(directory, { recursive: true })
      const file = { handle: await open(`${path}.part`, 'wx'), path, openedMs, bytes: 0, lines: 0 }
      this.#file = file
      return file
    })
  }

  async #flush(file: OpenFile): Promise<void> {
    if (this.#buffer.length === 0) return
    const text = `${this.#buffer.join('\n')}\n`
    this.#buffer = []
    this.#buffered = 0
    await this.#tried(file.path, () => file.handle.writeFile(text))
  }

  async #tried<T>(path: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw new IngestError('EXPORT_NOT_WRITABLE', { file: path }, error)
    }
  }
}
