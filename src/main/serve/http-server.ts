// The four pages over HTTP. Main thread. node:http does: four fixed paths, no body ever read, no parameters. Invariant: an answer never
// waits for anything but itself, and what a client does (slow, many, half a request) is bounded.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { IngestError } from '../../shared/errors.ts'
import type { ListenAddress } from '../../shared/option-values.ts'

export interface Page {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Pages by path. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>

export interface HttpServer {
  /** As `http://127.0.0.1:9464`. */
  readonly url: string
  close(): Promise<void>
}

const CONNECTIONS_MAX = 64
const REQUEST_MS_MAX = 10_000

export const jsonPage = (status: number, document: object): Page => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(document)}\n`,
})

/** Errors: HTTP_NOT_LISTENING, with the address and the reason. */
export async function listen({ host, port }: ListenAddress, pages: Pages): Promise<HttpServer> {
  const server = createServer(
    { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX, keepAliveTimeout: 2 * REQUEST_MS_MAX },
    (request, response) => void answer(pages, request, response),
  )
  server.maxConnections = CONNECTIONS_MAX
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new IngestError('HTTP_NOT_LISTENING', { host, port, reason: error.code ?? error.message }, error))
    })
    server.listen({ host, port }, () => {
      // One that comes later is of a connection that could not be taken.
      server.on('error', () => undefined)
      resolve()
    })
  })
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${portOf(server, port)}`,
    close: () => closed(server),
  }
}

function portOf(server: Server, asked: number): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : asked
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    // A scrape under way is answered; connections kept alive would hold the end up.
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX).unref()
  })
}
const CLOSE_MS_MAX = 1_000

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const page = await pageFor(pages, request).catch((error: unknown) =>
    jsonPage(500, { error: error instanceof Error ? error.message : String(error) }),
  )
  if (page.status === 405) response.setHeader('allow', 'GET, HEAD')
  response.writeHead(page.status, {
    'content-type': page.type,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(request.method === 'HEAD' ? undefined : page.body)
}

async function pageFor(pages: Pages, { method, url = '' }: IncomingMessage): Promise<Page> {
  const path = url.split('?', 1)[0] ?? ''
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  if (page === undefined) return jsonPage(404, { error: 'no such page', pages: Object.keys(pages) })
  if (method !== 'GET' && method !== 'HEAD') return jsonPage(405, { error: 'only GET and HEAD' })
  return page()
}
