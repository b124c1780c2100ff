// The other engine of the tests: Apache Iceberg in Java (tests/support/foreign), on the catalog and warehouse of a place. Its jars come
// once from Maven into the cache that k2 services uses, and its two classes are compiled there; a lock-free rename makes them appear whole.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { toolRunner } from '../../src/main/services/installation.ts'
import { copyDependencies } from '../../src/main/services/kafka-service.ts'
import type { RunTool } from '../../src/main/services/service.ts'
import type { Place } from './k2-process.ts'
import { servicesCache } from './own-server.ts'

const sources = fileURLToPath(new URL('foreign/', import.meta.url))
const cache = join(dirname(servicesCache), 'tests')
const JAVA = ['ForeignWriter.java', 'ForeignFiles.java']
/** What Iceberg throws where it lost a race, or where what it read is not the head any more: another try is in order. */
const LOST = /^failed (CommitFailedException|ValidationException|AlreadyExistsException)/

/** `key=value` pairs of an answer. */
export type Answer = Readonly<Record<string, string>>

export class ForeignWriter {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface
  readonly #table: string
  #errors = ''
  /** Why it lost last. */
  #lost = ''
  /** One command at a time, in the order asked for. */
  #tail: Promise<unknown> = Promise.resolve()

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, table: string) {
    this.#child = child
    this.#table = table
    this.#reader = createInterface({ input: child.stdout })
    this.#lines = this.#reader[Symbol.asyncIterator]()
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4_000)
    })
  }

  /** Takes half a minute where its jars are not there yet. `close` must be called. */
  static async start(place: Pick<Place, 'catalog' | 'warehouse'>, table: string): Promise<ForeignWriter> {
    const { lib, classes } = await installed()
    const words = ['-Xmx256m', '-cp', `${classes}:${join(lib, '*')}`, 'ForeignWriter', place.catalog, place.warehouse]
    const writer = new ForeignWriter(spawn('java', words, { stdio: ['pipe', 'pipe', 'pipe'] }), table)
    const first = await writer.#line()
    if (first !== 'ready') throw new Error(`the foreign writer did not start: ${first}`)
    return writer
  }

  /** Runs a command; null where it lost its race with K2, after the library's own retries. Throws for every other failure. */
  attempt(verb: string, options: Readonly<Record<string, string | number>> = {}): Promise<Answer | null> {
    const pairs = Object.entries(options).map(([key, value]) => `${key}=${value}`)
    const asked = this.#tail.then(async () => {
      this.#child.stdin.write(`${[verb, this.#table, ...pairs].join(' ')}\n`)
      return await this.#line()
    })
    this.#tail = asked.catch(() => undefined)
    return asked.then((line) => {
      if (line.startsWith('ok')) return answerOf(line)
      this.#lost = line
      if (LOST.test(line)) return null
      throw new Error(`foreign ${verb} ${pairs.join(' ')}: ${line}`)
    })
  }

  /** As `attempt`, until it wins. */
  async run(verb: string, options: Readonly<Record<string, string | number>> = {}): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      const answer = await this.attempt(verb, options)
      if (answer !== null) return answer
      if (tries === TRIES_MAX) throw new Error(`foreign ${verb} lost ${tries} races: ${this.#lost}`)
      await sleep(100)
    }
  }

  async close(): Promise<void> {
    this.#child.stdin.end()
    if (this.#child.exitCode === null) await new Promise((resolve) => this.#child.once('close', resolve))
    this.#reader.close()
  }

  async #line(): Promise<string> {
    const { done, value } = await this.#lines.next()
    if (done === true) throw new Error(`the foreign writer ended: ${this.#errors}`)
    return value
  }
}
const TRIES_MAX = 20

const answerOf = (line: string): Answer =>
  Object.fromEntries(
    line
      .split(' ')
      .slice(1)
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  )

async function installed(): Promise<{ readonly lib: string; readonly classes: string }> {
  const jars = await cached('foreign-jars', ['pom.xml'], (folder, run) => run('mvn', [...copyDependencies], folder))
  const lib = join(jars, 'lib')
  const classes = await cached('foreign-classes', ['pom.xml', ...JAVA], (folder, run) =>
    run('javac', ['-nowarn', '-cp', join(lib, '*'), '-d', folder, ...JAVA], folder),
  )
  return { lib, classes }
}

/** A folder named after the content of the files it is made from. */
async function cached(
  name: string,
  files: readonly string[],
  make: (folder: string, run: RunTool) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file).update(await readFile(join(sources, file)))
  const folder = join(cache, `${name}-${hash.digest('hex').slice(0, 8)}`)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}.unfinished`
  const log = `${folder}.log`
  try {
    await mkdir(unfinished, { recursive: true })
    for (const file of files) await copyFile(join(sources, file), join(unfinished, file))
    await make(unfinished, toolRunner(log))
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
    return folder
  } catch (error) {
    throw new Error(`the foreign writer could not be installed, see ${log}: ${String(error)}`)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}
