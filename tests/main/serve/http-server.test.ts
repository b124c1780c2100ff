import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type HttpServer, jsonPage, listen, type Pages } from '../../../src/main/serve/http-server.ts'

async function started(pages: Pages): Promise<HttpServer> {
  const server = await listen({ host: '127.0.0.1', port: 0 }, pages)
  onTestFinished(() => server.close())
  return server
}
const pages = { '/a': () => jsonPage(200, { a: 1 }), '/bad': () => Promise.reject(new Error('what')) }

test('a page is answered by path, whatever comes behind a question mark, and HEAD without its body', async () => {
  const { url } = await started(pages)
  const response = await fetch(`${url}/a?b=1`)
  expect([response.status, await response.json()]).toEqual([200, { a: 1 }])
  const head = await fetch(`${url}/a`, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '8', ''])
})

test('another path is 404, also one that every object has; another method 405; a page that fails 500', async () => {
  const { url } = await started(pages)
  const status = async (path: string, method = 'GET') => (await fetch(`${url}${path}`, { method })).status
  expect([await status('/'), await status('/constructor'), await status('/a/')]).toEqual([404, 404, 404])
  expect([await status('/a', 'POST'), await status('/bad')]).toEqual([405, 500])
})

test('a port that is taken is named', async () => {
  const { url } = await started(pages)
  const port = Number(new URL(url).port)
  await expect(listen({ host: '127.0.0.1', port }, pages)).rejects.toMatchObject({
    code: 'HTTP_NOT_LISTENING',
    context: { host: '127.0.0.1', port, reason: 'EADDRINUSE' },
  })
})

test('half a request does not hold the end up', async () => {
  const server = await listen({ host: '127.0.0.1', port: 0 }, pages)
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.on('error', () => undefined)
  socket.write('GET /a HTTP/1.1\r\nHost: a\r\n')
  await fetch(`${server.url}/a`)
  const startMs = performance.now()
  await server.close()
  expect(performance.now() - startMs).toBeLessThan(5_000)
})
