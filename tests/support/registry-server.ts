// A schema registry for one test file: the real Apicurio, on 127.0.0.1 and a free port, in a folder of its own, stopped by its own process
// object; and a small HTTP server that can do what a real registry cannot be made to do.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { broughtFolder } from './brought-folder.ts'
import { freePort } from './free-port.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const START_MS_MAX = 120_000

export class RegistryServer {
  /** Base address of the Confluent API. */
  readonly url: string
  readonly #port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'k2-apicurio-'))
  #child: ChildProcess | null = null

  private constructor(port: number) {
    this.#port = port
    this.url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  }

  static async start(): Promise<RegistryServer> {
    const server = new RegistryServer(await freePort())
    await server.resume()
    return server
  }

  /** With the schemas and ids that it held. */
  async resume(): Promise<void> {
    const folder = program()
    const runner = readdirSync(folder).find((name) => name.endsWith('-runner.jar') || name === 'quarkus-run.jar')
    if (runner === undefined) throw new Error(`${folder} holds no registry`)
    const child = spawn('java', ['-Xmx384m', '-jar', join(folder, runner)], {
      stdio: 'ignore',
      env: {
        ...process.env,
        QUARKUS_HTTP_HOST: '127.0.0.1',
        QUARKUS_HTTP_PORT: String(this.#port),
        QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
        QUARKUS_MANAGEMENT_PORT: String(await freePort()),
        APICURIO_STORAGE_KIND: 'sql',
        APICURIO_STORAGE_SQL_KIND: 'h2',
        APICURIO_DATASOURCE_URL: `jdbc:h2:file:${join(this.#folder, 'registry')}`,
      },
    })
    this.#child = child
    for (const startMs = performance.now(); !(await isReady(`${this.url}/subjects`)); ) {
      if (performance.now() - startMs > START_MS_MAX || child.exitCode !== null) throw new Error('no registry')
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    // Confluent's default; Apicurio's own is NONE.
    await this.call('PUT', '/config', { compatibility: 'BACKWARD' })
  }

  /** An answer that is no success is thrown. */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text)
  }

  async stop(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    // Not SIGKILL: the database writes what it holds when it is closed.
    child.kill('SIGTERM')
    await ended
  }

  async remove(): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Apicurio's files, brought by Maven once for all test runs of this checkout. */
function program(): string {
  return broughtFolder(join(root, '.k2', 'tests', 'registry'), (fresh) => {
    mkdirSync(fresh, { recursive: true })
    const pom = join(root, 'services', 'registry', 'pom.xml')
    execFileSync('mvn', ['-q', '-B', '-f', pom, 'dependency:copy', `-DoutputDirectory=${fresh}`])
    const archive = readdirSync(fresh).find((name) => name.endsWith('.tar.gz'))
    if (archive === undefined) throw new Error(`Maven left no archive in ${fresh}`)
    execFileSync('tar', ['xzf', join(fresh, archive), '-C', fresh])
  })
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

// An http.Server that listens on a port has an AddressInfo.
const portOf = (server: Server): number => (server.address() as AddressInfo).port

export interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string | null
  readonly body: string
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void

/** Answers by path; a list of answers is gone through, its last one stays. What is not named is 404 / 40403. */
export class FakeRegistry {
  readonly asked: Asked[] = []
  url = ''
  readonly #answers = new Map<string, Answer[]>()
  readonly #server = createServer((request, response) => this.#answer(request, response))

  static async start(): Promise<FakeRegistry> {
    const fake = new FakeRegistry()
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve))
    fake.url = `http://127.0.0.1:${portOf(fake.#server)}/base`
    return fake
  }

  on(path: string, ...answers: readonly Answer[]): void {
    this.#answers.set(path, [...answers])
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    let body = ''
    request.on('data', (data: Buffer) => {
      body += data.toString('utf8')
    })
    request.on('end', () => {
      const path = (request.url ?? '').replace(/^\/base/, '')
      const { method = '', headers } = request
      this.asked.push({ method, path, authorization: headers.authorization ?? null, body })
      const answers = this.#answers.get(path) ?? [json(404, { error_code: 40403, message: 'Schema not found' })]
      const [answer] = answers.length > 1 ? answers.splice(0, 1) : answers
      answer?.(response, request)
    })
  }
}

export const json =
  (status: number, value: unknown): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(value))
  }
export const text =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) => {
    response.writeHead(status, headers).end(body)
  }
export const silence: Answer = () => {}
/** Half a body, then the connection is gone. */
export const cutShort: Answer = (response) => {
  response.writeHead(200, { 'content-length': '1000' })
  response.write('{"schema":"')
  setTimeout(() => response.destroy(), 20)
}
