// Apicurio Registry, spoken to by Confluent's API. Main thread. It checks nothing until told, by no setting but this API, so
// compatibility is set to BACKWARD after each start, as a Confluent registry has it from the beginning.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { askJson } from './http-probe.ts'
import { needJava, needTools } from './machine.ts'
import type { Machine, Service } from './service.ts'

interface Release {
  readonly version: string
  readonly jar: string
}

/** The newest that runs on Java 17, and the one for newer Java. */
export const registryRelease = (machine: Pick<Machine, 'java'>): Release =>
  (machine.java ?? 0) >= 21
    ? { version: '3.3.3', jar: 'quarkus-run.jar' }
    : { version: '3.0.9', jar: 'apicurio-registry-app-3.0.9-runner.jar' }

const base = (port: number): string => `http://127.0.0.1:${port}/apis/ccompat/v7`

export const registryService = (machine: Pick<Machine, 'java'>): Service => ({
  name: 'registry',
  title: 'Schema registry (Apicurio)',
  ports: ['registry'],
  address: (ports) => base(ports.registry),
  needs: (found, isInstalled) => [
    ...needJava(found, 17, null),
    ...(isInstalled ? [] : needTools(found, ['maven', 'tar'])),
  ],
  installation: () => {
    const { version } = registryRelease(machine)
    return {
      name: `registry-${version}`,
      files: ['pom.xml'],
      install: async (folder, run) => {
        const words = [
          '-q',
          '-B',
          '-U',
          'dependency:copy',
          `-Dregistry.version=${version}`,
          '-DoutputDirectory=archive',
        ]
        await run('mvn', words, folder)
        await mkdir(join(folder, 'app'))
        const archive = join('archive', `apicurio-registry-app-${version}-all.tar.gz`)
        await run('tar', ['-xzf', archive, '-C', 'app'], folder)
        await run('rm', ['-r', 'archive'], folder)
      },
    }
  },
  prepare: async () => {},
  launch: (place) => ({
    command: 'java',
    words: [
      '-Xmx512m',
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${place.ports.registry}`,
      // Version 3.3 has a second port for metrics, on all interfaces unless told; 0 takes any free one.
      '-Dquarkus.management.host=127.0.0.1',
      '-Dquarkus.management.port=0',
      '-Dapicurio.storage.kind=sql',
      '-Dapicurio.storage.sql.kind=h2',
      `-Dapicurio.datasource.url=jdbc:h2:file:${join(place.data, 'registry')}`,
      '-jar',
      join(place.installed, 'app', registryRelease(machine).jar),
    ],
    environment: {},
    folder: place.data,
  }),
  settle: async (ports) => {
    await askJson(`${base(ports.registry)}/config`, {
      method: 'PUT',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ compatibility: 'BACKWARD' }),
    })
  },
  probe: async (ports) => {
    const subjects = await askJson(`${base(ports.registry)}/subjects`)
    if (!Array.isArray(subjects)) throw new Error(`${base(ports.registry)}/subjects does not answer with a list`)
  },
})
