// Rows of the options table on showing and changing positions. Pure data; a part of options.ts.
import type { OptionRow } from './option-row.ts'

export const positionsRows = [
  {
    name: 'source',
    commands: ['positions show', 'positions set', 'positions adopt'],
    group: 'Where',
    kind: 'path',
    conflicts: ['brokers'],
    text: 'log directory that the table is filled from: tells log ends, earliest and latest',
  },
  {
    name: 'brokers',
    commands: ['positions show', 'positions set', 'positions adopt'],
    group: 'Where',
    kind: 'brokers',
    text: 'Kafka brokers that the table is filled from, instead of a log directory: <host>:<port>, comma-separated',
  },
  {
    name: 'table',
    commands: ['positions set', 'positions adopt'],
    group: 'Where',
    kind: 'table',
    required: true,
    text: 'table, with its namespace',
  },
  {
    name: 'topic',
    commands: ['positions set', 'positions adopt'],
    group: 'How much',
    kind: 'topics',
    text: 'topics whose partitions are set, comma-separated, or one /regular expression/; unset: all topics of the table',
  },
  {
    name: 'partition',
    commands: ['positions set', 'positions adopt'],
    group: 'How much',
    kind: 'partitions',
    text: 'partitions that are set, comma-separated; unset: all of the topics',
  },
  {
    name: 'offset',
    commands: ['positions set', 'positions adopt'],
    group: 'How much',
    kind: 'position',
    text: 'next offset to read: a number, earliest, latest, a UTC time, or several like trades/0=500,trades/1=0',
  },
  {
    name: 'fromFile',
    commands: ['positions set', 'positions adopt'],
    group: 'How much',
    kind: 'path',
    conflicts: ['offset', 'topic', 'partition'],
    text: 'positions as k2 positions show --json printed them, instead of --offset',
  },
  {
    name: 'dryRun',
    commands: ['positions set', 'positions adopt'],
    group: 'Output',
    kind: 'boolean',
    text: 'show what would be set, and change nothing',
  },
  {
    name: 'yes',
    commands: ['positions set', 'positions adopt'],
    group: 'Output',
    kind: 'boolean',
    conflicts: ['dryRun'],
    text: 'do not ask before the change',
  },
] as const satisfies readonly OptionRow[]
