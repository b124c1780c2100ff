// Which port each server takes, and whether something else holds it. Main thread.
import { createServer } from 'node:net'
import { defaultPorts, type PortName, type Ports, portNames } from '../../shared/service-names.ts'

/** Written by the user before those this folder had the last time before the defaults; 0 is any free port. */
export async function choosePorts(
  written: Readonly<Partial<Record<PortName, number>>>,
  remembered: Readonly<Partial<Record<PortName, number>>>,
): Promise<Ports> {
  const wanted = { ...defaultPorts, ...remembered, ...written }
  const entries: Array<readonly [PortName, number]> = []
  for (const name of portNames) entries.push([name, wanted[name] === 0 ? await anyFreePort() : wanted[name]])
  // The cast: all names of the table are there.
  return Object.fromEntries(entries) as Record<PortName, number>
}

/** Ports that two servers would share, as `kafka and redis: 29092`. */
export function sharedPorts(ports: Ports, names: readonly PortName[]): readonly string[] {
  return names.flatMap((name, index) =>
    names
      .slice(0, index)
      .flatMap((other) => (ports[other] === ports[name] ? [`${other} and ${name}: ${ports[name]}`] : [])),
  )
}

/** On 127.0.0.1; what listens on all interfaces holds it as well. */
export function isPortFree(port: number): Promise<boolean> {
  return listenOn(port).then(
    () => true,
    () => false,
  )
}

const anyFreePort = (): Promise<number> => listenOn(0)

function listenOn(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(bound))
    })
  })
}
