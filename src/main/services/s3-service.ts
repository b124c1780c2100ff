// An S3 server over a folder: versitygw, which decides races of If-None-Match rightly, as commits need it. Main thread.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { askHttp } from './http-probe.ts'
import { needTools } from './machine.ts'
import { signS3 } from './s3-signature.ts'
import type { Service } from './service.ts'

export const VERSITYGW_VERSION = '1.8.0'

/** For a server on 127.0.0.1 that holds test data: not secret. */
export const s3Credentials = { accessKey: 'k2', secretKey: 'k2-local-only', region: 'us-east-1' } as const
export const S3_BUCKET = 'warehouse'

export const s3Service: Service = {
  name: 's3',
  title: `S3 (versitygw ${VERSITYGW_VERSION})`,
  ports: ['s3'],
  address: (ports) => `http://127.0.0.1:${ports.s3}`,
  needs: (machine, isInstalled) => (isInstalled ? [] : needTools(machine, ['go'])),
  installation: () => ({
    name: `s3-versitygw-${VERSITYGW_VERSION}`,
    files: [],
    install: (folder, run) => {
      const target = `github.com/versity/versitygw/cmd/versitygw@v${VERSITYGW_VERSION}`
      return run('env', [`GOBIN=${folder}`, 'CGO_ENABLED=0', 'go', 'install', '-ldflags=-s -w', target], folder)
    },
  }),
  // A folder is a bucket.
  prepare: async (place) => {
    await mkdir(join(place.data, 'buckets', S3_BUCKET), { recursive: true })
  },
  launch: (place) => ({
    command: join(place.installed, 'versitygw'),
    words: [
      ...['--quiet', '--port', `127.0.0.1:${place.ports.s3}`, '--region', s3Credentials.region],
      ...['posix', join(place.data, 'buckets')],
    ],
    environment: { ROOT_ACCESS_KEY: s3Credentials.accessKey, ROOT_SECRET_KEY: s3Credentials.secretKey },
    folder: place.data,
  }),
  /** A signed HEAD of the bucket: proves the keys and the folder, not only that something listens. */
  probe: async (ports) => {
    const host = `127.0.0.1:${ports.s3}`
    const headers = signS3({ method: 'HEAD', host, path: `/${S3_BUCKET}`, ...s3Credentials, nowMs: Date.now() })
    const { status } = await askHttp(`http://${host}/${S3_BUCKET}`, { method: 'HEAD', headers })
    if (status !== 200) throw new Error(`HEAD of bucket ${S3_BUCKET} answers ${status}`)
  },
}
