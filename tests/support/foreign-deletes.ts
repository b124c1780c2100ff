// Delete files as other engines commit them: a Parquet file of positions, a manifest of deletes, a snapshot with both. K2 writes none.
import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { branchHead, loadManifestList } from '../../src/shared/iceberg/append.ts'
import { avroEncoder, writeAvroFile } from '../../src/shared/iceberg/avro-container.ts'
import type { Catalog, TableName } from '../../src/shared/iceberg/catalog.ts'
import { writeJson } from '../../src/shared/iceberg/json.ts'
import { encodeManifestList, type ManifestFile } from '../../src/shared/iceberg/manifest-list.ts'
import { manifestEntrySchema } from '../../src/shared/iceberg/manifest-schema.ts'
import { partitionColumns } from '../../src/shared/iceberg/partition-transform.ts'
import { listFiles } from '../../src/shared/iceberg/read-table.ts'
import { metadataFolder } from '../../src/shared/iceberg/table-location.ts'
import type { Store } from '../../src/shared/store/store.ts'

export interface ForeignDelete {
  readonly kind: 'position' | 'equality'
  /** Positions in the table's first data file, or the field ids whose equal values are deleted. */
  readonly values: readonly number[]
}

const snapshotId = (): bigint => BigInt.asUintN(62, BigInt(`0x${randomUUID().replaceAll('-', '').slice(0, 16)}`))

/** Commits the deletes on top of the head; the delete file lies in `folder`. Returns the data file that they are about. */
export async function commitDeletes(
  { catalog, store }: { readonly catalog: Catalog; readonly store: Store },
  name: TableName,
  folder: string,
  { kind, values }: ForeignDelete,
): Promise<string> {
  const loaded = await catalog.loadTable(name)
  const head = loaded === null ? null : branchHead(loaded.metadata, 'main')
  if (loaded === null || head === null) throw new Error('no table, or an empty one')
  const { metadata } = loaded
  const [target] = (await listFiles(store, head)).dataFiles
  const spec = metadata['partition-specs'].find((each) => each['spec-id'] === target?.file.specId)
  const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  if (target === undefined || spec === undefined || schema === undefined) throw new Error('no data file')
  const path = `${folder}/${randomUUID()}-deletes.parquet`
  await writePositions(path, target.file.location, kind === 'position' ? values : [])
  const columns = partitionColumns(spec, schema)
  const entrySchema = manifestEntrySchema(columns)
  const id = snapshotId()
  const entry = {
    status: 1,
    snapshot_id: id,
    sequence_number: null,
    file_sequence_number: null,
    data_file: {
      content: kind === 'position' ? 1 : 2,
      file_path: `file://${path}`,
      file_format: 'PARQUET',
      partition: Object.fromEntries(
        columns.map((column, index) => [column.name, target.file.partition[index] ?? null]),
      ),
      record_count: BigInt(values.length),
      file_size_in_bytes: BigInt(statSync(path).size),
      column_sizes: null,
      value_counts: null,
      null_value_counts: null,
      nan_value_counts: null,
      lower_bounds: null,
      upper_bounds: null,
      key_metadata: null,
      split_offsets: null,
      equality_ids: kind === 'equality' ? values : null,
      sort_order_id: null,
    },
  }
  const header = {
    schema: writeJson(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': writeJson(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content: 'deletes',
  }
  const bytes = writeAvroFile(entrySchema, header, [avroEncoder(entrySchema)(entry)])
  const location = `${metadataFolder(metadata)}/${randomUUID()}-m0.avro`
  await store.putIfAbsent(location, bytes)
  const sequenceNumber = metadata['last-sequence-number'] + 1n
  const manifest: ManifestFile = {
    location,
    length: bytes.length,
    specId: spec['spec-id'],
    content: 'deletes',
    sequenceNumber,
    minSequenceNumber: sequenceNumber,
    addedSnapshotId: id,
    addedFiles: 1,
    existingFiles: 0,
    deletedFiles: 0,
    addedRows: BigInt(values.length),
    existingRows: 0n,
    deletedRows: 0n,
    partitions: null,
    keyMetadata: null,
  }
  const list = `${metadataFolder(metadata)}/snap-${id}.avro`
  const manifests = [...(await loadManifestList(store, head)), manifest]
  const parentSnapshotId = head['snapshot-id']
  await store.putIfAbsent(list, encodeManifestList({ snapshotId: id, parentSnapshotId, sequenceNumber }, manifests))
  const outcome = await catalog.updateTable(
    name,
    [],
    [
      {
        action: 'add-snapshot',
        snapshot: {
          'snapshot-id': id,
          'parent-snapshot-id': parentSnapshotId,
          'sequence-number': sequenceNumber,
          'timestamp-ms': Date.now(),
          'manifest-list': list,
          summary: { operation: 'delete' },
          'schema-id': schema['schema-id'],
        },
      },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
    ],
  )
  if (outcome.kind !== 'done') throw new Error(`${outcome.kind}: ${outcome.reason}`)
  return target.file.location
}

/** With the field ids of the spec ("Position Delete Files"). */
async function writePositions(path: string, location: string, positions: readonly number[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const rows = positions.map((position) => `('${location}', ${position}::BIGINT)`).join(', ')
  const select =
    positions.length === 0
      ? `SELECT '' AS file_path, 0::BIGINT AS pos`
      : `SELECT * FROM (VALUES ${rows}) AS d(file_path, pos)`
  await connection.run(
    `COPY (${select}) TO '${path}' (FORMAT parquet, FIELD_IDS {file_path: 2147483546, pos: 2147483545})`,
  )
  connection.closeSync()
}
