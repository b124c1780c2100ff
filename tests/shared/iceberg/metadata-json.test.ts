import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { parseJson, writeJson } from '../../../src/shared/iceberg/json.ts'
import type { TableMetadata } from '../../../src/shared/iceberg/metadata.ts'
import { parseTableMetadata, writeTableMetadata } from '../../../src/shared/iceberg/metadata-json.ts'
import { applyUpdates } from '../../../src/shared/iceberg/table-updates.ts'
import { freshMetadata, snapshotOf } from './table-fixture.ts'

const file = 'file:///memory/t/metadata/00001-a.metadata.json'
const id = 8744736658442914487n
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(writeJson(value))

function withSnapshot(): TableMetadata {
  return applyUpdates(
    freshMetadata(),
    [
      { action: 'add-snapshot', snapshot: snapshotOf(id, null, 1n, 2_000) },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
    ],
    { now: 2_000, previousLocation: file },
  )
}

/** The written file as an object whose members a test may change. */
function fileObject(change: Record<string, unknown>): Record<string, unknown> {
  const value = parseJson(new TextDecoder().decode(writeTableMetadata(withSnapshot())))
  return { ...Object.fromEntries(Object.entries(value ?? {})), ...change }
}

describe('table metadata files', () => {
  test('what is written is read back equal, ids above 2^53 included', () => {
    const metadata = withSnapshot()
    expect(parseTableMetadata(writeTableMetadata(metadata), file)).toEqual(metadata)
    expect(new TextDecoder().decode(writeTableMetadata(metadata))).toContain(`"current-snapshot-id":${id}`)
  })

  test('a gzipped file is read', () => {
    const metadata = withSnapshot()
    expect(parseTableMetadata(gzipSync(writeTableMetadata(metadata)), 'x.gz.metadata.json')).toEqual(metadata)
  })

  test('members K2 does not know survive a rewrite, at the top, in snapshots and in schemas', () => {
    const object = fileObject({ 'future-thing': { big: 9223372036854775807n } })
    const snapshots = object['snapshots']
    if (Array.isArray(snapshots)) Object.assign(snapshots[0], { 'key-id': 'k' })
    const schemas = object['schemas']
    if (Array.isArray(schemas)) Object.assign(schemas[0].fields[0], { 'initial-default': 'x' })
    const again = parseJson(new TextDecoder().decode(writeTableMetadata(parseTableMetadata(encode(object), file))))
    expect(again).toEqual(object)
  })

  test('a current snapshot of -1, null or nothing means that there is none, and none is written', () => {
    const empty = { snapshots: [], refs: {}, 'snapshot-log': [] }
    for (const current of [-1, null, undefined]) {
      const metadata = parseTableMetadata(encode(fileObject({ ...empty, 'current-snapshot-id': current })), file)
      expect(metadata['current-snapshot-id']).toBeNull()
      expect(new TextDecoder().decode(writeTableMetadata(metadata))).not.toContain('current-snapshot-id')
    }
  })

  test('a file without refs has main at its current snapshot', () => {
    const metadata = parseTableMetadata(encode(fileObject({ refs: undefined })), file)
    expect(metadata.refs['main']).toEqual({ 'snapshot-id': id, type: 'branch' })
  })

  test.each([
    [{ 'table-uuid': undefined }, 'table-uuid', 'missing'],
    [{ 'last-sequence-number': '1' }, 'last-sequence-number', 'integer expected, found string'],
    [{ 'current-schema-id': 7 }, 'current-schema-id', 'no schema'],
    [{ 'default-spec-id': 7 }, 'default-spec-id', 'no partition spec'],
    [{ 'current-snapshot-id': 5 }, 'current-snapshot-id', 'no snapshot 5'],
    [
      { schemas: [{ 'schema-id': 0, fields: [{ id: 1, name: 'a', required: true, type: { type: 'set' } }] }] },
      'schemas[0].fields[0].type.type',
      'struct, list or map',
    ],
    [{ snapshots: [{ 'snapshot-id': 1 }] }, 'snapshots[0].timestamp-ms', 'missing'],
    [{ refs: { main: { type: 'branch', 'snapshot-id': 3 } } }, 'refs.main', 'differs from current-snapshot-id'],
    [{ properties: { a: [] } }, 'properties.a', 'string expected'],
  ])('%o is refused at %s: %s', (change, field, reason) => {
    const parse = (): TableMetadata => parseTableMetadata(encode(fileObject(change)), file)
    expect(parse).toThrow(
      expect.objectContaining({
        code: 'TABLE_METADATA',
        context: { file, field, reason: expect.stringContaining(reason) },
      }),
    )
  })

  test.each([1, 3])('format version %i is refused by a name of its own', (version) => {
    expect(() => parseTableMetadata(encode(fileObject({ 'format-version': version })), file)).toThrow(
      expect.objectContaining({ code: 'TABLE_FORMAT', context: { file, version } }),
    )
  })

  test('bytes that are not JSON are refused with the file', () => {
    for (const bytes of [
      Uint8Array.of(1, 2, 3),
      Uint8Array.of(0x1f, 0x8b, 0),
      new Uint8Array(0),
      Uint8Array.of(0x22, 0xff, 0x22),
    ]) {
      expect(() => parseTableMetadata(bytes, file)).toThrow(
        `TABLE_METADATA: table metadata cannot be read (file=${file}`,
      )
    }
  })
})
