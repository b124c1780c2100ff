// How brokers are reached: from options to kafkajs's client, and from kafkajs's errors to ours. Main thread.
// Invariant: no secret is in an error or in the log; kafkajs's own log is kept down to its last line of trouble.
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { type ErrorCode, type ErrorContext, IngestError } from '../../shared/errors.ts'

export interface KafkaConnection {
  readonly brokers: readonly string[]
  readonly saslMechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  /** Null: without SASL. */
  readonly saslUsername: string | null
  readonly saslPassword: string | null
  readonly ssl: boolean
  readonly sslCa: string | null
  readonly sslCert: string | null
  readonly sslKey: string | null
}

/** What kafkajs said last of trouble: it names no cause in its events while brokers are away. */
export interface LastTrouble {
  text: string
}

/** Errors: BROKER_REFUSED, where a certificate file cannot be read. */
export function openKafka(connection: KafkaConnection, trouble: LastTrouble): Kafka {
  const sasl = saslOf(connection)
  return new Kafka({
    clientId: 'k2',
    brokers: [...connection.brokers],
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 300, maxRetryTime: 3_000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ log }) => {
        trouble.text = [log.message, log['error']].filter((each) => typeof each === 'string').join(': ')
      },
    ...(sasl === null ? {} : { sasl }),
    ...(usesTls(connection) ? { ssl: tlsOf(connection) } : {}),
  })
}

const usesTls = ({ ssl, sslCa, sslCert }: KafkaConnection): boolean => ssl || sslCa !== null || sslCert !== null

function saslOf(connection: KafkaConnection): NonNullable<KafkaConfig['sasl']> | null {
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = connection
  if (username === null || password === null) return null
  // Three calls of one shape, as the types of kafkajs tie the mechanism to its fields.
  if (mechanism === 'plain') return { mechanism, username, password }
  return mechanism === 'scram-sha-256' ? { mechanism, username, password } : { mechanism, username, password }
}

function tlsOf({ sslCa, sslCert, sslKey }: KafkaConnection): ConnectionOptions {
  return {
    ...(sslCa === null ? {} : { ca: readPem(sslCa) }),
    ...(sslCert === null ? {} : { cert: readPem(sslCert) }),
    ...(sslKey === null ? {} : { key: readPem(sslKey) }),
  }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new IngestError('BROKER_REFUSED', { file: path }, error)
  }
}

const REFUSALS = /AUTHENTICATION|AUTHORIZATION|SASL/
/** Alerts of a broker that breaks a handshake off (RFC 8446, 6.2), as OpenSSL names them: ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED. */
const ALERT = /^ERR_SSL_.*ALERT/
/** What Node says of a certificate that it does not take (tls, "X509 certificate error codes"), and of one for another name. */
const DISTRUST = /CERT|ISSUER|LEAF_SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH/

/**
 * Any error of kafkajs as ours; what is ours already, also where kafkajs has wrapped it, stays what it is. `at`: where it happened,
 * as far as the caller knows.
 */
export function brokerError(error: unknown, at: ErrorContext = {}): IngestError {
  const line = causes(error)
  const own = line.find((each) => each instanceof IngestError)
  if (own instanceof IngestError) return own
  const [broker] = line.map((each) => textOf(each, 'broker')).filter((text) => text !== '')
  return new IngestError(codeOf(line), { ...at, ...(broker === undefined ? {} : { broker }) }, line[0] ?? error)
}

function codeOf(line: readonly Error[]): ErrorCode {
  const codes = line.map((each) => textOf(each, 'code'))
  if (line.some((each) => textOf(each, 'type') === 'FENCED_INSTANCE_ID')) return 'MEMBER_FENCED'
  const isRefusal = line.some((each) => REFUSALS.test(`${each.name} ${textOf(each, 'type')}`.toUpperCase()))
  if (isRefusal || codes.some((code) => ALERT.test(code))) return 'BROKER_REFUSED'
  return codes.some((code) => DISTRUST.test(code)) ? 'BROKER_UNTRUSTED' : 'BROKER_UNREACHABLE'
}

/** The error and what caused it, outermost first; bounded, as a cause may lead back to itself. */
function causes(error: unknown): Error[] {
  const line: Error[] = []
  for (let at = error; at instanceof Error && line.length < 8; ) {
    line.push(at)
    const original: unknown = Reflect.get(at, 'originalError')
    at = at.cause ?? original
  }
  return line
}

function textOf(error: Error, field: 'type' | 'code' | 'broker'): string {
  const value: unknown = Reflect.get(error, field)
  return typeof value === 'string' ? value : ''
}
