// Stands for redis-server: answers PING, or does what FAKE_REDIS says: `silent` listens and never answers, `deaf` does not listen,
// `ends` says why it ends.
import { createServer } from 'node:net'

const mode = process.env['FAKE_REDIS'] ?? ''
if (process.argv.includes('--version')) {
  console.log('Redis server v=0.0.0')
} else if (mode === 'ends') {
  console.log('no memory left for a fake')
  process.exit(3)
} else if (mode === 'deaf') {
  setInterval(() => {}, 1000)
} else {
  const port = Number(process.argv[process.argv.indexOf('--port') + 1])
  const server = createServer((socket) => {
    socket.on('error', () => {})
    if (mode !== 'silent') socket.on('data', (data) => void socket.write(String(data) === 'PING\r\n' ? '+PONG\r\n' : '-ERR\r\n'))
  })
  server.listen(port, '127.0.0.1')
}
