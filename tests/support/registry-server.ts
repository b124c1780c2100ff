// A schema registry for one test file: the Apicurio of `k2 services`, on 127.0.0.1 and a free port, in a folder of its own; and a small
// HTTP server that can do what a real registry cannot be made to do.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OwnServer } from './own-server.ts'

export class RegistryServer {
  /** Base address of the Confluent API. */
  readonly url: string
  readonly #server: OwnServer

  private constructor(server: OwnServer, url: string) {
    this.#server = server
    this.url = url
  }

  static async start(): Promise<RegistryServer> {
    const server = await OwnServer.start('registry', ['registry'])
    return new RegistryServer(server, await server.address())
  }

  /** With the schemas and ids that it held. */
  async resume(): Promise<void> {
    await this.#server.resume()
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

  /** By SIGTERM: the database writes what it holds when it is closed. */
  async stop(): Promise<void> {
    await this.#server.stop('SIGTERM')
  }

  async remove(): Promise<void> {
    await this.#server.remove('SIGTERM')
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
