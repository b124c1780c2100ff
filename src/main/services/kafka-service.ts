// Apache Kafka: one node in KRaft mode from Maven's jars, without the scripts of its distribution. Main thread.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { askBroker } from './kafka-probe.ts'
import { needJava, needTools } from './machine.ts'
import type { Place, Service } from './service.ts'

export const KAFKA_VERSION = '4.1.0'

export const kafkaService: Service = {
  name: 'kafka',
  title: `Apache Kafka ${KAFKA_VERSION}`,
  ports: ['kafka', 'controller'],
  address: (ports) => `127.0.0.1:${ports.kafka}`,
  needs: (machine, isInstalled) => [
    ...needJava(machine, 17, null),
    ...(isInstalled ? [] : needTools(machine, ['maven'])),
  ],
  installation: () => ({
    name: `kafka-${KAFKA_VERSION}`,
    files: ['pom.xml', 'server.properties', 'log4j2.properties'],
    install: (folder, run) => run('mvn', [...copyDependencies], folder),
  }),
  prepare: async (place, run) => {
    const template = await readFile(join(place.installed, 'server.properties'), 'utf8')
    await writeFile(settingsOf(place), fillSettings(template, place) + place.brokerSettings)
    if (existsSync(join(logOf(place), 'meta.properties'))) return
    const words = ['kafka.tools.StorageTool', 'format', '--cluster-id', newClusterId(), '--config', settingsOf(place)]
    await run('java', [...javaWords(place, '128m'), ...words], place.data)
  },
  launch: (place) => ({
    command: 'java',
    words: [...javaWords(place, '512m'), 'kafka.Kafka', settingsOf(place)],
    environment: {},
    folder: place.data,
  }),
  probe: async (ports) => {
    await askBroker(ports.kafka)
  },
}

/** Of every service that is a class path. `-U` asks again for what was refused once: Maven remembers that for a day. */
export const copyDependencies = [
  ...['-q', '-B', '-U', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib'],
] as const

const settingsOf = (place: Place): string => join(place.data, 'server.properties')
const logOf = (place: Pick<Place, 'data'>): string => join(place.data, 'log')

const javaWords = (place: Place, memory: string): readonly string[] => [
  `-Xmx${memory}`,
  `-Dlog4j2.configurationFile=${join(place.installed, 'log4j2.properties')}`,
  '-cp',
  join(place.installed, 'lib', '*'),
]

/** Java property files take a backslash for an escape. */
export const fillSettings = (template: string, place: Pick<Place, 'ports' | 'data'>): string =>
  template
    .replaceAll('{{kafka}}', String(place.ports.kafka))
    .replaceAll('{{controller}}', String(place.ports.controller))
    .replaceAll('{{data}}', logOf(place).replaceAll('\\', '\\\\'))

/** 16 random bytes as Kafka writes a Uuid (org.apache.kafka.common.Uuid.randomUuid: none that looks like an option). */
function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
