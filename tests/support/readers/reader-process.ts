// A reader that is not ours, as a process that is started once and asked often: a request is a line of words split by tabs, an answer
// some lines and then one dot. Requests are answered in the order in which they were asked.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

interface Waiting {
  readonly request: string
  readonly lines: string[]
  readonly resolve: (lines: readonly string[]) => void
  readonly reject: (error: Error) => void
}

export class ReaderProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #output: Interface
  readonly #waiting: Waiting[] = []
  readonly #ended: Promise<void>
  #errors = ''

  constructor(program: string, words: readonly string[]) {
    this.#child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-errorsMax)
    })
    // A write to a reader that has ended; that it has ended is said below.
    this.#child.stdin.on('error', () => {})
    this.#output = createInterface({ input: this.#child.stdout })
    this.#output.on('line', (line) => this.#take(line))
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.#failAll(error.message)
        resolve()
      })
      this.#child.on('close', (code) => {
        this.#failAll(`${program} ended with ${code ?? 'a signal'}: ${this.#errors}`)
        resolve()
      })
    })
  }

  /** The lines of the answer. Throws what the reader says of an error. */
  ask(...words: readonly string[]): Promise<readonly string[]> {
    const request = words.join('\t')
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, lines: [], resolve, reject })
      this.#child.stdin.write(`${request}\n`)
    })
  }

  /** Ends its input; what was asked is still answered. */
  async end(): Promise<void> {
    this.#child.stdin.end()
    await this.#ended
  }

  #take(line: string): void {
    const [first] = this.#waiting
    if (first === undefined) return
    if (line !== '.') {
      first.lines.push(line)
      return
    }
    this.#waiting.shift()
    const [said] = first.lines
    if (said?.startsWith('!') === true) first.reject(new Error(`${first.request}: ${said.slice(1)}`))
    else first.resolve(first.lines)
  }

  #failAll(reason: string): void {
    for (const { request, reject } of this.#waiting.splice(0)) reject(new Error(`${request}: ${reason}`))
  }
}

const errorsMax = 4000
