// AWS Signature Version 4 of a request to S3 without body or query: what a health check needs and no more. Pure.
import { createHash, createHmac } from 'node:crypto'

interface S3Request {
  readonly method: 'HEAD' | 'GET'
  readonly host: string
  /** Percent-encoded already. */
  readonly path: string
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
  /** Since 1970. */
  readonly nowMs: number
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Headers to send along (AWS General Reference, "Create a signed AWS API request"). */
export function signS3(request: S3Request): Readonly<Record<string, string>> {
  const time = new Date(request.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const day = time.slice(0, 8)
  const headers = { host: request.host, 'x-amz-content-sha256': hash(''), 'x-amz-date': time }
  const names = Object.keys(headers).join(';')
  const canonical = [
    ...[request.method, request.path, ''],
    ...Object.entries(headers).map(([name, value]) => `${name}:${value}`),
    ...['', names, hash('')],
  ].join('\n')
  const scope = `${day}/${request.region}/s3/aws4_request`
  const key = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${request.secretKey}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')).toString('hex')
  const credential = `${request.accessKey}/${scope}`
  return {
    'x-amz-content-sha256': headers['x-amz-content-sha256'],
    'x-amz-date': time,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  }
}
