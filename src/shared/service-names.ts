// The servers that `k2 services` runs and the ports they listen on, by name, with their defaults. Pure data.

export const serviceNames = ['kafka', 'redis', 'registry', 'catalog', 's3'] as const
export type ServiceName = (typeof serviceNames)[number]

/** Below the ephemeral ports of Linux (32768 and up), so that no outgoing connection sits on one by chance. */
export const defaultPorts = {
  kafka: 29_092,
  controller: 29_093,
  redis: 26_379,
  registry: 28_081,
  catalog: 28_181,
  s3: 29_000,
} as const
export type PortName = keyof typeof defaultPorts
export const portNames = [
  'kafka',
  'controller',
  'redis',
  'registry',
  'catalog',
  's3',
] as const satisfies readonly PortName[]
export type Ports = Readonly<Record<PortName, number>>
