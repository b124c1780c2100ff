import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { listeningInodes, portHolder } from '../../../src/main/services/port-holder.ts'
import { choosePorts, isPortFree, sharedPorts } from '../../../src/main/services/ports.ts'
import { defaultPorts } from '../../../src/shared/service-names.ts'

async function listen(host: string): Promise<number> {
  const server = createServer().listen(0, host)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

describe('ports', () => {
  test('are what the user wrote, before what the folder had, before the standard ones', async () => {
    const ports = await choosePorts({ kafka: 1001 }, { kafka: 2001, redis: 2002 })
    expect(ports).toEqual({ ...defaultPorts, kafka: 1001, redis: 2002 })
  })

  test('of 0 are free ones', async () => {
    const { kafka, redis } = await choosePorts({ kafka: 0, redis: 0 }, {})
    expect(await isPortFree(kafka)).toBe(true)
    expect(await isPortFree(redis)).toBe(true)
  })

  test('that two servers would share are named', () => {
    const ports = { ...defaultPorts, redis: 7, s3: 7 }
    expect(sharedPorts(ports, ['kafka', 'redis', 's3'])).toEqual(['redis and s3: 7'])
    expect(sharedPorts(ports, ['kafka', 'redis'])).toEqual([])
  })

  test.each(['127.0.0.1', '0.0.0.0'])(
    'that something holds on %s are not free, and the holder is named',
    async (host) => {
      const port = await listen(host)
      expect(await isPortFree(port)).toBe(false)
      expect(await portHolder(port)).toContain(
        process.platform === 'linux' ? `pid ${process.pid} (` : 'another process',
      )
    },
  )
})

test('only sockets that listen hold a port, not connections from or to it', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:71A4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1',
    '   1: 0100007F:71A4 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1',
    '   2: 0100007F:9999 0100007F:71A4 01 00000000:00000000 00:00000000 00000000     0        0 333 1',
  ].join('\n')
  expect(listeningInodes(table, 0x71a4)).toEqual(['111'])
})
