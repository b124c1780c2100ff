// Rows of the options table on how to reach Kafka brokers. Pure data; a part of options.ts.
import type { OptionRow } from './option-row.ts'

/** What may talk to brokers. */
const CONNECTING = [
  'run',
  'verify',
  'feed csv',
  'feed synthetic',
  'positions show',
  'positions set',
  'positions adopt',
  'tables show',
  'tables health',
] as const

export const kafkaRows = [
  {
    name: 'brokers',
    commands: ['run', 'verify'],
    group: 'Where',
    kind: 'brokers',
    text: 'Kafka brokers to read from instead of a log directory: <host>:<port>, comma-separated',
  },
  {
    name: 'brokers',
    commands: ['feed csv', 'feed synthetic'],
    group: 'Where',
    kind: 'brokers',
    text: 'Kafka brokers to write to instead of a log directory: <host>:<port>, comma-separated',
  },
  {
    name: 'saslMechanism',
    commands: CONNECTING,
    group: 'Where',
    kind: 'enum',
    values: ['plain', 'scram-sha-256', 'scram-sha-512'],
    default: 'scram-sha-512',
    text: 'how --sasl-username and --sasl-password are shown to the brokers',
  },
  {
    name: 'saslUsername',
    commands: CONNECTING,
    group: 'Where',
    kind: 'string',
    text: 'user at the brokers; unset: without SASL',
  },
  {
    name: 'saslPassword',
    commands: CONNECTING,
    group: 'Where',
    kind: 'secret',
    text: 'its password; best in K2_SASL_PASSWORD, where no list of processes shows it',
  },
  {
    name: 'ssl',
    commands: CONNECTING,
    group: 'Where',
    kind: 'boolean',
    text: 'speak TLS with the brokers',
  },
  {
    name: 'sslCa',
    commands: CONNECTING,
    group: 'Where',
    kind: 'path',
    text: 'file of the certificates (PEM) that sign those of the brokers; speaks TLS; unset: those of Node',
  },
  {
    name: 'sslCert',
    commands: CONNECTING,
    group: 'Where',
    kind: 'path',
    text: 'file of the certificate (PEM) that the brokers ask of this client; speaks TLS',
  },
  {
    name: 'sslKey',
    commands: CONNECTING,
    group: 'Where',
    kind: 'path',
    text: 'file of its private key (PEM)',
  },
  {
    name: 'sessionTimeout',
    commands: ['run'],
    group: 'Where',
    kind: 'duration',
    min: 6000,
    max: 1_800_000,
    default: '10s',
    unit: 'time',
    text: 'how long the group waits for a silent member before others take its partitions',
  },
  {
    name: 'instanceId',
    commands: ['run'],
    group: 'Where',
    kind: 'string',
    text: 'name of this process in its group (group.instance.id): started again under it within the session timeout, it has its partitions back at once, and no other member is disturbed',
  },
] as const satisfies readonly OptionRow[]
