import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IngestError } from '../../../src/shared/errors.ts'
import type { Catalog, TableName } from '../../../src/shared/iceberg/catalog.ts'
import { ancestors } from '../../../src/shared/iceberg/read-table.ts'
import { openSqlCatalog } from '../../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../../src/shared/store/folder-store.ts'
import type { Store } from '../../../src/shared/store/store.ts'
import { catalogConformance } from './catalog.conformance.ts'
import { compileScript } from './compile-script.ts'
import { newTable } from './table-fixture.ts'

let folder = ''
let count = 0
const opened: Catalog[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2-catalog-'))
})
afterAll(async () => {
  await Promise.all(opened.map((catalog) => catalog.close()))
  await rm(folder, { recursive: true })
})

const name: TableName = { namespace: ['n'], name: 't' }

interface Place {
  readonly file: string
  readonly store: Store
}

async function freshPlace(): Promise<Place> {
  const root = join(folder, `case-${count++}`)
  await mkdir(root)
  return { file: join(root, 'catalog.db'), store: openFolderStore(join(root, 'warehouse')) }
}

function open(place: Place, busyMsMax = 200): Catalog {
  const catalog = openSqlCatalog({ ...place, busyMsMax })
  opened.push(catalog)
  return catalog
}

const touch = (catalog: Catalog, value: string) =>
  catalog.updateTable(name, [], [{ action: 'set-properties', updates: { value } }])

const metadataFiles = async (store: Store): Promise<string[]> =>
  (await readdir(`${store.root.replace('file://', '')}/t/metadata`)).filter((file) => file.endsWith('.json')).toSorted()

describe('the SQL catalog in SQLite', () => {
  catalogConformance(async () => {
    const place = await freshPlace()
    return { catalog: open(place), warehouse: place.store.root }
  })

  test('its rows are those that pyiceberg and Java read', async () => {
    const place = await freshPlace()
    const catalog = open(place)
    await catalog.createTable({ namespace: ['a', 'b'], name: 't' }, newTable(`${place.store.root}/t`))
    const loaded = await catalog.loadTable({ namespace: ['a', 'b'], name: 't' })
    const database = new Database(place.file)
    const { _metadata: _, ...row } = Object(database.prepare('SELECT * FROM iceberg_tables').get())
    expect(row).toEqual({
      catalog_name: 'k2',
      table_namespace: 'a.b',
      table_name: 't',
      metadata_location: loaded?.metadataLocation,
      previous_metadata_location: null,
      iceberg_type: 'TABLE',
    })
    const namespaces = database
      .prepare(
        'SELECT namespace, property_key AS key, property_value AS value FROM iceberg_namespace_properties ORDER BY 1',
      )
      .all()
    expect(namespaces).toEqual([
      { namespace: 'a', key: 'exists', value: 'true' },
      { namespace: 'a.b', key: 'exists', value: 'true' },
    ])
    expect(database.pragma('journal_mode', { simple: true })).toBeDefined()
    database.close()
  })

  test('two catalogs on one file see each other at once, and the one that is late gets a conflict', async () => {
    const place = await freshPlace()
    const [one, two] = [open(place), open(place)]
    await one.createTable(name, newTable(`${place.store.root}/t`))
    expect((await touch(two, '2')).kind).toBe('done')
    expect((await one.loadTable(name))?.metadata.properties['value']).toBe('2')
  })

  test('a swap lost between load and update is a conflict, and the metadata file written for it is gone', async () => {
    const place = await freshPlace()
    const other = open(place)
    await other.createTable(name, newTable(`${place.store.root}/t`))
    // The other commits exactly while this one writes its metadata file.
    const racing = open({
      file: place.file,
      store: {
        ...place.store,
        putIfAbsent: async (location, bytes) => {
          await touch(other, 'other')
          await place.store.putIfAbsent(location, bytes)
        },
      },
    })
    expect((await touch(racing, 'mine')).kind).toBe('conflict')
    expect((await other.loadTable(name))?.metadata.properties['value']).toBe('other')
    expect(await metadataFiles(place.store)).toHaveLength(2)
  })

  test('metadata files are numbered, and version-hint.text names the current one', async () => {
    const place = await freshPlace()
    const catalog = open(place)
    await catalog.createTable(name, newTable(`${place.store.root}/t`))
    await touch(catalog, '1')
    await touch(catalog, '2')
    const files = await metadataFiles(place.store)
    expect(files.map((file) => file.slice(0, 6))).toEqual(['00000-', '00001-', '00002-'])
    const hint = await readFile(`${place.store.root.replace('file://', '')}/t/metadata/version-hint.text`, 'utf8')
    expect(`${hint}.metadata.json`).toBe(files[2])
  })

  test('old metadata files go by their number if the table says so, and stay if it does not', async () => {
    for (const [enabled, left] of [
      ['true', ['00004', '00005', '00006']],
      ['false', ['00000', '00001', '00002', '00003', '00004', '00005', '00006']],
    ] as const) {
      const place = await freshPlace()
      const catalog = open(place)
      const properties = {
        'write.metadata.previous-versions-max': '2',
        'write.metadata.delete-after-commit.enabled': enabled,
      }
      await catalog.createTable(name, newTable(`${place.store.root}/t`, properties))
      for (let index = 0; index < 6; index++) expect((await touch(catalog, String(index))).kind).toBe('done')
      expect((await metadataFiles(place.store)).map((file) => file.slice(0, 5))).toEqual(left)
      expect((await open(place).loadTable(name))?.metadata.properties['value']).toBe('5')
    }
  })

  test('old files that Java wrote with one slash in their location go as well', async () => {
    const place = await freshPlace()
    const catalog = open(place)
    await catalog.createTable(name, newTable(`${place.store.root}/t`, { 'write.metadata.previous-versions-max': '1' }))
    const database = new Database(place.file)
    database.exec("UPDATE iceberg_tables SET metadata_location = replace(metadata_location, 'file:///', 'file:/')")
    database.close()
    for (const value of ['1', '2']) expect((await touch(catalog, value)).kind).toBe('done')
    expect((await metadataFiles(place.store)).map((file) => file.slice(0, 5))).toEqual(['00001', '00002'])
  })

  test('a delete that fails is no error, and files outside the table are not deleted', async () => {
    const place = await freshPlace()
    const catalog = open(place)
    const properties = { 'write.metadata.previous-versions-max': '1' }
    await catalog.createTable(name, newTable(`${place.store.root}/t`, properties))
    const [first] = await metadataFiles(place.store)
    const failing = open({
      file: place.file,
      store: {
        ...place.store,
        delete: async (location) => {
          throw new IngestError('STORE_IO', { location })
        },
      },
    })
    for (const value of ['1', '2', '3']) expect((await touch(failing, value)).kind).toBe('done')
    expect(await metadataFiles(place.store)).toContain(first)
    // A table registered from another's metadata: its log names a file that is not in its own folder.
    const foreign = `${place.store.root}/elsewhere/00000-a.metadata.json`
    await place.store.putIfAbsent(foreign, Uint8Array.of(1))
    const location = (await catalog.loadTable(name))?.metadataLocation ?? ''
    const path = location.replace('file://', '')
    await writeFile(
      path,
      (await readFile(path, 'utf8')).replace(/"metadata-file":"[^"]*"/, `"metadata-file":"${foreign}"`),
    )
    const fresh = open(place)
    await touch(fresh, '4')
    await touch(fresh, '5')
    expect(await place.store.size(foreign)).toBe(1)
  })

  test('a file that another commit deleted while it was being read is looked up again', async () => {
    const place = await freshPlace()
    const other = open(place)
    await other.createTable(name, newTable(`${place.store.root}/t`, { 'write.metadata.previous-versions-max': '1' }))
    let readCount = 0
    const slow = open({
      file: place.file,
      store: {
        ...place.store,
        read: async (location) => {
          if (readCount++ === 0) for (const value of ['1', '2', '3']) await touch(other, value)
          return await place.store.read(location)
        },
      },
    })
    expect((await slow.loadTable(name))?.metadata.properties['value']).toBe('3')
    expect(readCount).toBe(2)
  })

  test('a catalog locked by another process is CATALOG_LOCKED, certainly not applied, and leaves no file', async () => {
    const place = await freshPlace()
    const catalog = open(place, 50)
    await catalog.createTable(name, newTable(`${place.store.root}/t`))
    const database = new Database(place.file)
    database.exec('BEGIN IMMEDIATE')
    await expect(touch(catalog, '1')).rejects.toMatchObject({
      code: 'CATALOG_LOCKED',
      action: 'retry',
      context: { catalog: place.file },
    })
    await expect(catalog.createTable({ ...name, name: 'u' }, newTable(`${place.store.root}/u`))).rejects.toMatchObject({
      code: 'CATALOG_LOCKED',
    })
    expect((await catalog.loadTable(name))?.metadata.properties).not.toHaveProperty('value')
    database.exec('COMMIT')
    database.close()
    expect(await metadataFiles(place.store)).toHaveLength(1)
    expect((await touch(catalog, '1')).kind).toBe('done')
  })

  test('an error after the update was sent is unknown, and its metadata file stays', async () => {
    const place = await freshPlace()
    const catalog = open(place)
    await catalog.createTable(name, newTable(`${place.store.root}/t`))
    const database = new Database(place.file)
    database.exec("CREATE TRIGGER stop BEFORE UPDATE ON iceberg_tables BEGIN SELECT json('not json'); END")
    database.close()
    const outcome = await touch(catalog, '1')
    expect(outcome.kind).toBe('unknown')
    expect(await metadataFiles(place.store)).toHaveLength(2)
  })

  test('a catalog of a time before views is used as it is', async () => {
    const place = await freshPlace()
    const database = new Database(place.file)
    database.exec(`CREATE TABLE iceberg_tables (catalog_name TEXT NOT NULL, table_namespace TEXT NOT NULL, table_name TEXT NOT NULL,
      metadata_location TEXT, previous_metadata_location TEXT, PRIMARY KEY (catalog_name, table_namespace, table_name));
      CREATE TABLE iceberg_namespace_properties (catalog_name TEXT NOT NULL, namespace TEXT NOT NULL, property_key TEXT NOT NULL,
      property_value TEXT NOT NULL, PRIMARY KEY (catalog_name, namespace, property_key));`)
    database.close()
    const catalog = open(place)
    await catalog.createTable(name, newTable(`${place.store.root}/t`))
    expect((await touch(catalog, '1')).kind).toBe('done')
    expect(await catalog.listTables()).toEqual([name])
  })

  test('a view under the name is not a table', async () => {
    const place = await freshPlace()
    const catalog = open(place)
    const database = new Database(place.file)
    database.exec(
      "INSERT INTO iceberg_tables VALUES ('k2', 'n', 't', 'file:///x', NULL, 'VIEW'), ('other', 'n', 't', 'file:///y', NULL, 'TABLE')",
    )
    database.close()
    expect(await catalog.loadTable(name)).toBeNull()
    expect(await catalog.listTables()).toEqual([])
    expect((await catalog.createTable(name, newTable(`${place.store.root}/t`))).kind).toBe('conflict')
  })

  test('a missing folder, a folder in the place of the file, and another kind of file are unreadable, with the path', async () => {
    const { store, file } = await freshPlace()
    await writeFile(file, 'this is a text and no database. '.repeat(100))
    for (const path of [folder, file]) {
      expect(() => openSqlCatalog({ file: path, store })).toThrow(
        expect.objectContaining({ code: 'CATALOG_UNREADABLE', context: { catalog: path } }),
      )
    }
    const nowhere = join(folder, 'none', 'catalog.db')
    expect(() => openSqlCatalog({ file: nowhere, store })).toThrow(
      expect.objectContaining({
        code: 'CATALOG_UNREADABLE',
        context: { catalog: nowhere, reason: 'its folder does not exist' },
      }),
    )
    expect(await readFile(file, 'utf8')).toContain('this is a text')
  })

  test.each(['removed', 'replaced'])(
    'a file that is %s while it is open takes no commit that would be gone with it',
    async (how) => {
      const place = await freshPlace()
      const catalog = open(place)
      await catalog.createTable(name, newTable(`${place.store.root}/t`))
      const files = await metadataFiles(place.store)
      for (const end of ['', '-wal', '-shm']) await rm(`${place.file}${end}`, { force: true })
      if (how === 'replaced') open(place)
      await expect(touch(catalog, '1')).rejects.toMatchObject({
        code: 'CATALOG_UNREADABLE',
        context: { catalog: place.file, reason: expect.stringContaining('removed or replaced') },
      })
      await expect(catalog.createTable({ namespace: ['n'], name: 'u' }, newTable(place.store.root))).rejects.toThrow()
      expect(await metadataFiles(place.store)).toEqual(files)
    },
  )

  test('damaged metadata is TABLE_METADATA naming its file', async () => {
    const place = await freshPlace()
    const catalog = open(place)
    await catalog.createTable(name, newTable(`${place.store.root}/t`))
    const location = (await catalog.loadTable(name))?.metadataLocation ?? ''
    await writeFile(location.replace('file://', ''), '{"format-version":2}')
    await expect(open(place).loadTable(name)).rejects.toMatchObject({
      code: 'TABLE_METADATA',
      context: { file: location },
    })
  })

  test('processes that open, create and commit at once lose no commit', async () => {
    const place = await freshPlace()
    const script = await compileScript(new URL('./sql-catalog-writer.ts', import.meta.url))
    const commitCount = 25
    const writers = [100, 200, 300, 400].map(async (first) => {
      const argv = [script.path, place.file, place.store.root, String(first), String(commitCount)]
      return await promisify(execFile)(process.execPath, argv)
    })
    const outputs = await Promise.all(writers).finally(() => rm(script.folder, { recursive: true }))
    const results = outputs.map((output) => JSON.parse(output.stdout))
    expect(results.filter((result) => result.created === 'done')).toHaveLength(1)
    expect(results.reduce((sum, result) => sum + result.conflictCount, 0)).toBeGreaterThan(0)
    const { metadata } = (await open(place).loadTable(name)) ?? {}
    if (metadata === undefined) throw new Error('no table')
    const chain = [...ancestors(metadata, metadata['current-snapshot-id'])].map((snapshot) =>
      String(snapshot['snapshot-id']),
    )
    expect(chain.toSorted()).toEqual(results.flatMap((result) => result.landed).toSorted())
    expect(metadata['last-sequence-number']).toBe(BigInt(4 * commitCount))
    expect((await metadataFiles(place.store)).length).toBeLessThanOrEqual(6)
  })
})
