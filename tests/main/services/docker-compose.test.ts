// docker-compose.yml, read as YAML, against the servers of `k2 services`: the same servers, ports, versions, keys and settings. No Docker
// takes part.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ICEBERG_VERSION } from '../../../src/main/services/catalog-service.ts'
import { KAFKA_VERSION } from '../../../src/main/services/kafka-service.ts'
import { registryRelease } from '../../../src/main/services/registry-service.ts'
import { S3_BUCKET, s3Credentials, VERSITYGW_VERSION } from '../../../src/main/services/s3-service.ts'
import { serviceTable } from '../../../src/main/services/service-table.ts'
import { defaultPorts, type ServiceName, serviceNames } from '../../../src/shared/service-names.ts'

interface ComposeService {
  readonly image: string
  readonly ports?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[]; readonly retries: number }
}

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
// The cast of this file: what is asked of a service below would be undefined, and fail, if it were something else.
const compose = parse(read('docker-compose.yml'), { strict: true, uniqueKeys: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, null>>
}
const SETTINGS = 'registry-settings'
const table = serviceTable({ java: 17, redisServer: 'redis-server' })
const portOf = (name: ServiceName): number => defaultPorts[table[name].ports[0]]

function service(name: string): ComposeService {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`no service ${name}`)
  return found
}
const variable = (name: string, key: string): string | undefined => service(name).environment?.[key]
const commandOf = (name: string): string => (service(name).command ?? []).join(' ')

test('it has the same servers, and one that sets the registry up', () => {
  expect(Object.keys(compose.services).toSorted()).toEqual([...serviceNames, SETTINGS].toSorted())
  expect(commandOf(SETTINGS)).toContain('{"compatibility":"BACKWARD"}')
  expect(commandOf(SETTINGS)).toContain(`http://registry:${defaultPorts.registry}/apis/ccompat/v7/config`)
})

describe.each([...serviceNames, SETTINGS])('%s', (name) => {
  test('has a health check of a command', () => {
    const check = service(name).healthcheck
    expect(['CMD', 'CMD-SHELL']).toContain(check?.test[0])
    expect(check?.test.length).toBeGreaterThan(1)
    expect(check?.retries).toBeGreaterThan(1)
  })

  test('waits for servers that are there, and keeps its data in volumes that are declared', () => {
    for (const [other, { condition }] of Object.entries(service(name).depends_on ?? {})) {
      expect([Object.keys(compose.services), condition]).toEqual([expect.arrayContaining([other]), 'service_healthy'])
    }
    const volumes = (service(name).volumes ?? []).map((volume) => volume.split(':')[0])
    expect(Object.keys(compose.volumes)).toEqual(expect.arrayContaining(volumes))
  })
})

test.each(serviceNames)('%s is published at its port, on 127.0.0.1 only, and asked for its health there', (name) => {
  expect(service(name).ports).toEqual([`127.0.0.1:${portOf(name)}:${portOf(name)}`])
  expect(service(name).healthcheck?.test.join(' ')).toContain(String(portOf(name)))
})

test('versions are the same', () => {
  const images: Readonly<Record<ServiceName, string>> = {
    kafka: `apache/kafka:${KAFKA_VERSION}`,
    redis: 'redis:7.0',
    registry: `apicurio/apicurio-registry:${registryRelease({ java: 17 }).version}`,
    catalog: `apache/iceberg-rest-fixture:${ICEBERG_VERSION}`,
    s3: `versity/versitygw:v${VERSITYGW_VERSION}`,
  }
  for (const name of serviceNames) expect(service(name).image).toBe(images[name])
})

test('keys and bucket are the same', () => {
  expect(variable('s3', 'ROOT_ACCESS_KEY')).toBe(s3Credentials.accessKey)
  expect(variable('s3', 'ROOT_SECRET_KEY')).toBe(s3Credentials.secretKey)
  expect(commandOf('s3')).toContain(`mkdir -p /data/${S3_BUCKET}`)
  expect(variable('catalog', 'CATALOG_S3_ACCESS__KEY__ID')).toBe(s3Credentials.accessKey)
  expect(variable('catalog', 'CATALOG_S3_SECRET__ACCESS__KEY')).toBe(s3Credentials.secretKey)
  expect(variable('catalog', 'CATALOG_S3_ENDPOINT')).toBe(`http://s3:${defaultPorts.s3}`)
})

test('Kafka has the settings that ours has', () => {
  const ours = [
    ...read('services/kafka/server.properties').matchAll(
      /^((?:offsets|transaction|group|auto|share|log\.retention\.check)[\w.]+)=(.*)$/gm,
    ),
  ]
  expect(ours.length).toBeGreaterThan(8)
  for (const [, name = '', value] of ours) {
    expect([name, variable('kafka', `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`)]).toEqual([name, value])
  }
  expect(variable('kafka', 'KAFKA_ADVERTISED_LISTENERS')).toContain(`HOST://127.0.0.1:${defaultPorts.kafka}`)
})
