// The Iceberg REST catalog that the Iceberg project tests itself with, over a SQLite file and a folder; tables whose location is
// s3://… go to the S3 server beside it. Main thread.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { askJson } from './http-probe.ts'
import { copyDependencies } from './kafka-service.ts'
import { needJava, needTools } from './machine.ts'
import { s3Credentials } from './s3-service.ts'
import type { Service } from './service.ts'

export const ICEBERG_VERSION = '1.11.0'
/** Hadoop's access to folders calls what Java 24 took away. */
const JAVA_MAX = 23
const LAUNCHER = 'org/apache/iceberg/rest/LocalRestServer.java'

export const catalogService: Service = {
  name: 'catalog',
  title: `Iceberg REST catalog ${ICEBERG_VERSION}`,
  ports: ['catalog'],
  address: (ports) => `http://127.0.0.1:${ports.catalog}`,
  needs: (machine, isInstalled) => [
    ...needJava(machine, 17, JAVA_MAX),
    ...(isInstalled ? [] : needTools(machine, ['javac', 'maven'])),
  ],
  installation: () => ({
    name: `catalog-${ICEBERG_VERSION}`,
    files: ['pom.xml', LAUNCHER],
    install: async (folder, run) => {
      await run('mvn', [...copyDependencies], folder)
      await run('javac', ['-cp', join('lib', '*'), '-d', 'classes', LAUNCHER], folder)
    },
  }),
  prepare: async (place) => {
    await mkdir(join(place.data, 'warehouse'), { recursive: true })
  },
  launch: (place) => ({
    command: 'java',
    words: [
      '-Xmx512m',
      '-cp',
      `${join(place.installed, 'classes')}:${join(place.installed, 'lib', '*')}`,
      'org.apache.iceberg.rest.LocalRestServer',
    ],
    // The fixture reads CATALOG_* as catalog properties: `__` stands for a dash, `_` for a dot.
    environment: {
      CATALOG_URI: `jdbc:sqlite:${join(place.data, 'catalog.db')}`,
      CATALOG_JDBC_SCHEMA__VERSION: 'V1',
      CATALOG_WAREHOUSE: pathToFileURL(join(place.data, 'warehouse')).href,
      CATALOG_REST_PORT: String(place.ports.catalog),
      CATALOG_IO__IMPL: 'org.apache.iceberg.io.ResolvingFileIO',
      CATALOG_S3_ENDPOINT: `http://127.0.0.1:${place.ports.s3}`,
      CATALOG_S3_PATH__STYLE__ACCESS: 'true',
      CATALOG_S3_ACCESS__KEY__ID: s3Credentials.accessKey,
      CATALOG_S3_SECRET__ACCESS__KEY: s3Credentials.secretKey,
      CATALOG_CLIENT_REGION: s3Credentials.region,
    },
    folder: place.data,
  }),
  probe: async (ports) => {
    const config = await askJson(`http://127.0.0.1:${ports.catalog}/v1/config`)
    if (typeof config !== 'object' || config === null || !('defaults' in config)) {
      throw new Error('/v1/config does not answer with defaults')
    }
  },
}
