import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ICEBERG_VERSION } from '../../../src/main/services/catalog-service.ts'
import { fillSettings, KAFKA_VERSION } from '../../../src/main/services/kafka-service.ts'
import { javaMajor } from '../../../src/main/services/machine.ts'
import { registryRelease } from '../../../src/main/services/registry-service.ts'
import type { Machine } from '../../../src/main/services/service.ts'
import { chosenServices, serviceTable } from '../../../src/main/services/service-table.ts'
import { defaultPorts, type serviceNames } from '../../../src/shared/service-names.ts'

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8')

const bare: Machine = {
  java: null,
  javac: false,
  maven: false,
  go: false,
  tar: false,
  debian: false,
  redisServer: null,
}
const full: Machine = {
  java: 17,
  javac: true,
  maven: true,
  go: true,
  tar: true,
  debian: true,
  redisServer: 'redis-server',
}
const place = { installed: '/cache/x', data: '/run/x', ports: defaultPorts, brokerSettings: '' }
const words = (name: (typeof serviceNames)[number]): string => {
  const { command, words: rest, environment } = serviceTable(full)[name].launch(place)
  return [...Object.entries(environment).map((pair) => pair.join('=')), command, ...rest].join(' ')
}
const needs = (machine: Machine, isInstalled: boolean): Record<string, readonly string[]> =>
  Object.fromEntries(
    chosenServices(serviceTable(machine), null).map((service) => [
      service.name,
      service.needs(machine, isInstalled).map(({ what }) => what),
    ]),
  )

describe('command lines', () => {
  test('of Java servers bound their memory', () => {
    for (const name of ['kafka', 'registry', 'catalog'] as const) expect(words(name)).toContain('-Xmx512m')
  })

  test('name their own port and no interface but 127.0.0.1', () => {
    expect(words('redis')).toContain('--bind 127.0.0.1 --port 26379')
    expect(words('registry')).toContain('-Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port=28081')
    expect(words('registry')).toContain('-Dquarkus.management.host=127.0.0.1')
    expect(words('catalog')).toContain('CATALOG_REST_PORT=28181')
    expect(words('s3')).toContain('--port 127.0.0.1:29000')
  })

  test('of the catalog point tables on S3 to the S3 server beside it', () => {
    expect(words('catalog')).toContain('CATALOG_S3_ENDPOINT=http://127.0.0.1:29000')
  })

  test('of an unpacked Redis are those of its own program', () => {
    expect(words('redis')).toContain('redis-server --bind')
    expect(serviceTable(full).redis.installation()).toBeNull()
    expect(serviceTable(bare).redis.installation()).not.toBeNull()
  })
})

test('the settings of Kafka are filled in whole, listen on 127.0.0.1 only, and make a topic only when asked', () => {
  const ports = { ...defaultPorts, kafka: 1111, controller: 2222 }
  const text = fillSettings(read('services/kafka/server.properties'), { ...place, data: 'C:\\data', ports })
  expect(text.replace(/^#.*$/gm, '')).not.toMatch(/\{\{|\}\}/)
  expect(text).toContain('listeners=PLAINTEXT://127.0.0.1:1111,CONTROLLER://127.0.0.1:2222\n')
  expect(text).toContain('controller.quorum.voters=1@127.0.0.1:2222\n')
  expect(text).toContain('auto.create.topics.enable=false\n')
  expect(text).toContain('group.initial.rebalance.delay.ms=0\n')
  expect(text).toMatch(/^log\.dirs=C:\\\\data/m)
})

describe('what is missing', () => {
  test('is named for each server of a bare machine', () => {
    expect(needs(bare, false)).toEqual({
      kafka: ['Java 17 or newer', 'Maven (mvn)'],
      redis: ['redis-server or valkey-server on the PATH'],
      registry: ['Java 17 or newer', 'Maven (mvn)', 'tar'],
      catalog: ['Java 17 to 23', 'a Java compiler (javac)', 'Maven (mvn)'],
      s3: ['Go'],
    })
  })

  test('is less where a server is installed: what builds it is not asked for again', () => {
    expect(needs(bare, true)).toEqual({
      kafka: ['Java 17 or newer'],
      redis: [],
      registry: ['Java 17 or newer'],
      catalog: ['Java 17 to 23'],
      s3: [],
    })
  })

  test('is nothing on a full machine, and a Java too old or too new where it matters', () => {
    expect(Object.values(needs(full, false)).flat()).toEqual([])
    expect(needs({ ...full, java: 11 }, false)['kafka']).toEqual(['Java 17 or newer, not 11'])
    expect(needs({ ...full, java: 25 }, false)).toMatchObject({
      kafka: [],
      registry: [],
      catalog: ['Java 17 to 23, not 25'],
    })
  })

  test('comes with how to get it', () => {
    for (const service of chosenServices(serviceTable(bare), null)) {
      for (const need of service.needs(bare, false)) expect(need.install).not.toBe('')
    }
  })
})

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_292"', 8],
  ['openjdk version "25" 2025-09-16', 25],
  ['something else', null],
])('%s is Java %s', (text, major) => {
  expect(javaMajor(text)).toBe(major)
})

test('the registry is the newest that the Java there runs', () => {
  expect([17, 20, 21, 25].map((java) => registryRelease({ java }).version)).toEqual([
    '3.0.9',
    '3.0.9',
    '3.3.3',
    '3.3.3',
  ])
})

test('pom files install the versions that the table names', () => {
  expect(read('services/kafka/pom.xml').split(`<version>${KAFKA_VERSION}</version>`)).toHaveLength(3)
  expect(read('services/catalog/pom.xml')).toContain(`<iceberg.version>${ICEBERG_VERSION}</iceberg.version>`)
  expect(read('services/registry/pom.xml')).toMatch(/<version>\$\{registry\.version\}<\/version>/)
})

test('--only keeps the order of the table', () => {
  expect(chosenServices(serviceTable(full), ['s3', 'kafka']).map(({ name }) => name)).toEqual(['kafka', 's3'])
})
