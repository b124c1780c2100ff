import { describe, expect, test } from 'vitest'
import { readAvroFile, writeAvroFile } from '../../../src/shared/iceberg/avro-container.ts'
import {
  dataFileOf,
  decodeManifest,
  encodeManifest,
  fileRecord,
  type ManifestEntry,
} from '../../../src/shared/iceberg/manifest.ts'
import { decodeManifestList, encodeManifestList, type ManifestFile } from '../../../src/shared/iceberg/manifest-list.ts'
import { describeManifest } from '../../../src/shared/iceberg/manifest-merge.ts'
import { avroName, decimalSize } from '../../../src/shared/iceberg/manifest-schema.ts'
import type { IcebergSchema } from '../../../src/shared/iceberg/schema.ts'
import { dataFile, day, daySpec, tradeSchema } from './table-fixture.ts'

const snapshotId = 8744736658442914487n
const layout = { schema: tradeSchema, spec: daySpec }
const added = (name: string, partitionDay: number | null): ManifestEntry => ({
  status: 'added',
  snapshotId,
  sequenceNumber: null,
  fileSequenceNumber: null,
  file: fileRecord(dataFile(name, partitionDay, 7)),
})

function written(
  entries: readonly ManifestEntry[],
  sequenceNumber: bigint | null = 5n,
): { bytes: Uint8Array; manifest: ManifestFile } {
  const bytes = encodeManifest(layout, entries)
  const row = describeManifest({ location: 'file:///m.avro', length: bytes.length, entries, ...layout, snapshotId })
  return { bytes, manifest: { ...row, sequenceNumber } }
}

describe('manifests', () => {
  test('a new file comes back as it went in, with the sequence number of its manifest list', () => {
    const { bytes, manifest } = written([added('a', day('2014-03-10')), added('b', null)])
    const entries = decodeManifest(bytes, manifest)
    expect(
      entries.map((entry) => [entry.status, entry.snapshotId, entry.sequenceNumber, entry.fileSequenceNumber]),
    ).toEqual([
      ['added', snapshotId, 5n, 5n],
      ['added', snapshotId, 5n, 5n],
    ])
    expect(entries.map((entry) => dataFileOf(entry.file, 0, 0))).toEqual([
      dataFile('a', day('2014-03-10'), 7),
      dataFile('b', null, 7),
    ])
  })

  test('an existing entry keeps its own sequence numbers and does not inherit', () => {
    const entry: ManifestEntry = {
      ...added('a', 1),
      status: 'existing',
      snapshotId: 3n,
      sequenceNumber: 2n,
      fileSequenceNumber: 1n,
    }
    const { bytes, manifest } = written([entry])
    expect(decodeManifest(bytes, manifest)).toMatchObject([
      { status: 'existing', snapshotId: 3n, sequenceNumber: 2n, fileSequenceNumber: 1n },
    ])
    expect(manifest.minSequenceNumber).toBe(2n)
  })

  test('an existing entry without a sequence number is refused rather than given that of the list', () => {
    const { bytes, manifest } = written([{ ...added('a', 1), status: 'existing' }])
    expect(() => decodeManifest(bytes, manifest)).toThrow('existing file without a sequence number')
    expect(decodeManifest(bytes, { ...manifest, sequenceNumber: 0n })).toMatchObject([{ sequenceNumber: 0n }])
  })

  test('the header says what the spec asks for, and the schema carries the field ids', () => {
    const { metadata } = readAvroFile(written([added('a', 1)]).bytes)
    expect(JSON.parse(metadata.get('schema') ?? '')).toEqual(tradeSchema)
    expect(JSON.parse(metadata.get('partition-spec') ?? '')).toEqual(daySpec.fields)
    expect(
      ['schema-id', 'partition-spec-id', 'format-version', 'content', 'avro.codec'].map((key) => metadata.get(key)),
    ).toEqual(['0', '0', '2', 'data', 'deflate'])
    const ids = [...(metadata.get('avro.schema') ?? '').matchAll(/"field-id":(\d+)/g)].map((match) => Number(match[1]))
    expect(ids).toContain(1000)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('partitions of every kind survive, names that Avro lacks included', () => {
    const schema: IcebergSchema = {
      type: 'struct',
      'schema-id': 0,
      fields: ['string', 'long', 'boolean', 'decimal(9, 2)', 'double', 'timestamptz', 'fixed[2]'].map(
        (type, index) => ({
          id: index + 1,
          name: `c${index}`,
          required: false,
          type,
        }),
      ),
    }
    const spec = {
      'spec-id': 3,
      fields: schema.fields.map((field) => ({
        'source-id': field.id,
        'field-id': 999 + field.id,
        name: `${field.id} of-${field.name}`,
        transform: 'identity',
      })),
    }
    const partition = ['BHP', 9007199254740993n, true, -128n, 1.5, 1n, Buffer.from([1, 2])]
    const entries: ManifestEntry[] = [
      { ...added('a', null), file: { ...fileRecord(dataFile('a', null, 1)), partition } },
      { ...added('b', null), file: { ...fileRecord(dataFile('b', null, 1)), partition: partition.map(() => null) } },
    ]
    const bytes = encodeManifest({ schema, spec }, entries)
    const manifest = describeManifest({ location: 'm', length: 1, entries, schema, spec, snapshotId })
    const [first, second] = decodeManifest(bytes, manifest)
    expect(first?.file.partition).toEqual([
      'BHP',
      9007199254740993n,
      true,
      Uint8Array.of(0xff, 0xff, 0xff, 0x80),
      1.5,
      1n,
      Uint8Array.of(1, 2),
    ])
    expect(second?.file.partition).toEqual(partition.map(() => null))
    expect(manifest.partitions?.[3]).toEqual({
      containsNull: true,
      containsNan: false,
      lowerBound: Uint8Array.of(0x80),
      upperBound: Uint8Array.of(0x80),
    })
    expect(avroName('1 of-c')).toBe('_1_x20of_x2Dc')
    expect([1, 2, 3, 9, 10, 18, 19, 38].map(decimalSize)).toEqual([1, 1, 2, 4, 5, 8, 9, 16])
  })

  test('a manifest of many blocks is read whole', () => {
    const entries = Array.from({ length: 3_000 }, (_, index) => added(`file-${index}`, index))
    const { bytes, manifest } = written(entries)
    expect(decodeManifest(bytes, manifest).map((entry) => entry.file.partition[0])).toEqual(
      entries.map((_, index) => index),
    )
  })

  test('any damaged byte is an error that names the file, or changes values: never the end of the process', () => {
    const { bytes, manifest } = written([added('a', 1), added('b', 2)])
    let errorCount = 0
    for (let at = 0; at < bytes.length; at += 3) {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] ?? 0) ^ 0xff
      try {
        decodeManifest(damaged, manifest)
      } catch (error) {
        expect(error).toMatchObject({ code: 'TABLE_METADATA', context: { file: 'file:///m.avro' } })
        errorCount++
      }
    }
    expect(errorCount).toBeGreaterThan(100)
  })

  test('a hostile item count in a few bytes is refused before anything is allocated', () => {
    const schema = { type: 'record', name: 'r', fields: [{ name: 'a', type: { type: 'array', items: 'long' } }] }
    const hostile = Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)
    expect(() => readAvroFile(writeAvroFile(schema, {}, [hostile]))).toThrow('more items than bytes')
  })
})

describe('manifest lists', () => {
  const header = { snapshotId, parentSnapshotId: null, sequenceNumber: 9n }

  test('rows come back as they went in; those of this snapshot get its sequence number', () => {
    const own = written([added('a', day('2014-03-10')), added('b', day('2014-03-14')), added('c', null)], null).manifest
    const older = { ...own, location: 'older', sequenceNumber: 4n, minSequenceNumber: 2n, addedSnapshotId: 1n }
    expect(decodeManifestList(encodeManifestList(header, [own, older]), 'f')).toEqual([
      { ...own, sequenceNumber: 9n, minSequenceNumber: 9n },
      older,
    ])
    expect(own).toMatchObject({ addedFiles: 3, addedRows: 21n, existingFiles: 0, deletedFiles: 0 })
  })

  test('partition summaries hold lowest, highest and null', () => {
    const { manifest } = written([added('b', day('2014-03-14')), added('a', day('2014-03-10')), added('c', null)])
    const days = [manifest.partitions?.[0]?.lowerBound, manifest.partitions?.[0]?.upperBound].map((bound) =>
      Buffer.from(bound ?? []).readInt32LE(),
    )
    expect(days).toEqual([16139, 16143])
    expect(manifest.partitions?.[0]).toMatchObject({ containsNull: true, containsNan: false })
  })

  test('the header names snapshot, parent and sequence number', () => {
    const first = readAvroFile(encodeManifestList(header, [])).metadata
    expect([
      first.get('snapshot-id'),
      first.get('parent-snapshot-id'),
      first.get('sequence-number'),
      first.get('format-version'),
    ]).toEqual([String(snapshotId), 'null', '9', '2'])
    expect(
      readAvroFile(encodeManifestList({ ...header, parentSnapshotId: 3n }, [])).metadata.get('parent-snapshot-id'),
    ).toBe('3')
  })

  test('what is no manifest list is refused with its name', () => {
    expect(() => decodeManifestList(Uint8Array.of(1, 2, 3, 4, 5), 'file:///list.avro')).toThrow(
      expect.objectContaining({
        code: 'TABLE_METADATA',
        context: expect.objectContaining({ file: 'file:///list.avro' }),
      }),
    )
  })
})
