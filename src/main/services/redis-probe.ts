// One command to a Redis server and the first line of its answer (RESP: `+PONG`, `-ERR …`). Main thread.
import { once } from 'node:events'
import { connect } from 'node:net'

const ANSWER_MS_MAX = 2000
const ANSWER_BYTES_MAX = 64 * 1024

/** Rejects with the reason where no line comes back. */
export async function askRedis(port: number, command: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)))
  try {
    await once(socket, 'connect')
    socket.write(`${command}\r\n`)
    let text = ''
    for await (const chunk of socket) {
      text += String(chunk)
      const end = text.indexOf('\r\n')
      if (end !== -1) return text.slice(0, end)
      if (text.length > ANSWER_BYTES_MAX) break
    }
    throw new Error('answer is not one of Redis')
  } finally {
    socket.destroy()
  }
}
