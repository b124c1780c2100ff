// What kafkajs throws, as ours: which code, and where it happened.
import { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { brokerError } from '../../../src/main/kafka/connection.ts'
import { IngestError } from '../../../src/shared/errors.ts'

const brokers = 'a:1,b:2'
/** As kafkajs gives up: the last try's error, in one of its own. */
const givenUp = (error: Error): Error => new KafkaJSNumberOfRetriesExceeded(error, { retryCount: 5, retryTime: 3000 })
const connection = (code: string): Error =>
  new KafkaJSConnectionError(`Connection error: ${code}`, { broker: 'b:2', code })

describe('an error of kafkajs', () => {
  test.each([
    ['BROKER_UNREACHABLE', connection('ECONNREFUSED')],
    ['BROKER_UNREACHABLE', new KafkaJSConnectionError('Closed connection', { broker: 'b:2' })],
    ['BROKER_UNTRUSTED', connection('SELF_SIGNED_CERT_IN_CHAIN')],
    ['BROKER_UNTRUSTED', connection('DEPTH_ZERO_SELF_SIGNED_CERT')],
    ['BROKER_UNTRUSTED', connection('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
    ['BROKER_UNTRUSTED', connection('UNABLE_TO_GET_ISSUER_CERT_LOCALLY')],
    ['BROKER_UNTRUSTED', connection('CERT_HAS_EXPIRED')],
    ['BROKER_UNTRUSTED', connection('ERR_TLS_CERT_ALTNAME_INVALID')],
    // The broker distrusts us.
    ['BROKER_REFUSED', connection('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')],
    ['BROKER_REFUSED', connection('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA')],
    ['BROKER_REFUSED', connection('ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE')],
  ] as const)('is %s with its broker: %s', (code, error) => {
    for (const thrown of [error, givenUp(error)]) {
      expect(brokerError(thrown, { brokers })).toMatchObject({ code, context: { brokers, broker: 'b:2' } })
    }
  })

  test('is a refusal where the password or a right is wrong', () => {
    const denied = new KafkaJSProtocolError(Object.assign(new Error('denied'), { type: 'GROUP_AUTHORIZATION_FAILED' }))
    const wrong = Object.assign(new Error('no'), { name: 'KafkaJSSASLAuthenticationError' })
    for (const thrown of [wrong, denied, givenUp(denied)]) {
      expect(brokerError(thrown, { brokers })).toMatchObject({ code: 'BROKER_REFUSED', context: { brokers } })
    }
  })

  test('stays ours where it wraps one of ours, with its own place', () => {
    const own = new IngestError('TOPIC_RECREATED', { topic: 't' })
    expect(brokerError(givenUp(own), { brokers })).toBe(own)
  })
})
