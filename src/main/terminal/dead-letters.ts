// Dead letters on the terminal: the newest as a table, one of them whole, and the summary. Pure. Invariant: text of a record (its key,
// names, error text) is shown without control characters, so that no record can write to the terminal by itself.
import { type ErrorCode, errorTable } from '../../shared/errors.ts'
import { type DeadLetter, isoMicros, type LetterHead, timeOf } from '../../shared/letters/dead-letter.ts'
import type { SummaryGroup } from '../../shared/letters/letter-summary.ts'
import { hexDump } from './hex-dump.ts'
import { formatNumber, type Style } from './style.ts'
import { type Column, renderTable } from './table.ts'

const LIST_COLUMNS: readonly Column[] = [
  { title: 'Time', align: 'left' },
  { title: 'Topic', align: 'left' },
  { title: 'Partition', align: 'right' },
  { title: 'Offset', align: 'right' },
  { title: 'Code', align: 'left' },
  { title: 'Schema', align: 'right' },
  { title: 'Field', align: 'left' },
  { title: 'Replayed', align: 'left' },
]

const SUMMARY_COLUMNS: readonly Column[] = [
  { title: 'Code', align: 'left' },
  { title: 'Topic', align: 'left' },
  { title: 'Schema', align: 'right' },
  { title: 'Route', align: 'left' },
  { title: 'Partitions', align: 'right' },
  { title: 'Dead letters', align: 'right' },
  { title: 'Replayed', align: 'right' },
  { title: 'First', align: 'left' },
  { title: 'Last', align: 'left' },
]

const VALUE_BYTES_MAX = 4096
const PART_BYTES_MAX = 256

const printable = (text: string): string => text.replace(/\p{C}/gu, '\u00b7')
const timeText = (us: bigint | null): string => (us === null ? '' : isoMicros(us))

/** A letter, and whether its record is a row meanwhile. */
interface ListedLetter {
  readonly head: LetterHead
  readonly isReplayed: boolean
}

/** The newest of `count` dead letters. */
export function renderLetterList(table: string, letters: readonly ListedLetter[], count: number, style: Style): string {
  if (count === 0) return `${style.bold(table)}  no dead letters\n`
  const rows = letters.map(({ head, isReplayed }) => [
    timeText(timeOf(head)),
    printable(head.topic),
    String(head.partition),
    String(head.offset),
    printable(head.code),
    head.schemaId === null ? '' : String(head.schemaId),
    printable(head.fieldPath ?? ''),
    isReplayed ? 'yes' : '',
  ])
  const more = count > letters.length ? `, the newest ${formatNumber(letters.length)}` : ''
  return [
    `${style.bold(table)}  ${formatNumber(count)} dead letters${more}`,
    renderTable(LIST_COLUMNS, rows).trimEnd(),
    '  look at one: k2 dead-letters show --topic <topic> --partition <n> --offset <n>\n',
  ].join('\n')
}

/** One dead letter, whole: where it is, what is wrong, what to do, and its bytes. */
export function renderLetter(table: string, letter: DeadLetter, isReplayed: boolean, style: Style): string {
  const { topic, topicId, partition, offset, code, text, fieldPath, schemaId } = letter
  const known = errorTable[code as ErrorCode] as (typeof errorTable)[ErrorCode] | undefined
  const facts: ReadonlyArray<readonly [string, string]> = [
    ['table', table],
    ['topic id', topicId],
    ['time', letter.timestampUs === null ? 'none given' : isoMicros(letter.timestampUs)],
    ['seen', `${timeText(letter.seenAtUs)} by k2 ${letter.version}, route ${letter.route}`],
    ['error', `${code}: ${text}`],
    ...(fieldPath === null ? [] : [['field', fieldPath] as const]),
    ['schema id', schemaId === null ? 'none: the value has no frame' : String(schemaId)],
    ...(isReplayed ? [['replayed', 'yes: its record is a row of the table'] as const] : []),
    ...(known === undefined || isReplayed ? [] : [['what to do', known.help] as const]),
  ]
  const lines = [
    style.bold(`${printable(topic)}/${partition} offset ${offset}`),
    ...facts.map(([name, value]) => `  ${name.padEnd(12)}${printable(value)}`),
    ...part('key', letter.key, PART_BYTES_MAX),
    ...letter.headers.flatMap(({ key, value }) => part(`header ${printable(key)}`, value, PART_BYTES_MAX)),
    ...part('value', letter.value, VALUE_BYTES_MAX),
  ]
  return `${lines.join('\n')}\n`
}

function part(name: string, bytes: Uint8Array | null, bytesMax: number): readonly string[] {
  if (bytes === null) return [`  ${name}: null`]
  return [`  ${name}: ${formatNumber(bytes.length)} bytes`, ...hexDump(bytes, bytesMax).map((line) => `    ${line}`)]
}

export function renderLetterSummary(table: string, groups: readonly SummaryGroup[], style: Style): string {
  if (groups.length === 0) return `${style.bold(table)}  no dead letters\n`
  const rows = groups.map((group) => [
    printable(group.code),
    printable(group.topic),
    group.schemaId === null ? '' : String(group.schemaId),
    printable(group.route),
    formatNumber(group.partitions.size),
    formatNumber(group.count),
    formatNumber(group.replayed),
    timeText(group.firstUs),
    timeText(group.lastUs),
  ])
  const count = groups.reduce((sum, group) => sum + group.count, 0)
  return `${style.bold(table)}  ${formatNumber(count)} dead letters\n${renderTable(SUMMARY_COLUMNS, rows)}`
}
