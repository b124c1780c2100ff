import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { CommandIo, Output } from '../../../src/main/command.ts'
import { verifyCommand } from '../../../src/main/commands/verify.ts'
import type { Config } from '../../../src/shared/config.ts'
import { openSqlCatalog } from '../../../src/shared/iceberg/sql-catalog.ts'
import { openFolderStore } from '../../../src/shared/store/folder-store.ts'
import { LogMaker, makeTableIn, temporaryFolder, topicName, writeLog } from '../../shared/verify/verify-world.ts'
import { wideAvro, wideSample, wideSchema } from '../../shared/verify/wide-sample.ts'
import type { Row } from '../../support/column-maker.ts'

const samples = Array.from({ length: 20 }, (_, offset) => wideSample(offset))
const rows = samples.map((sample) => sample.row)

interface Screen extends Output {
  text: string
}
function screen(): Screen {
  const output: Screen = {
    text: '',
    isTerminal: false,
    columns: 100,
    color: false,
    write: (text) => {
      output.text += text
    },
  }
  return output
}

/** A table of these rows in a real catalog and folder, and the command's config for it. */
async function world(files: ReadonlyArray<readonly Row[]>, more: Partial<Config<'verify'>> = {}) {
  const folder = temporaryFolder()
  const file = join(folder, 'catalog.db')
  const store = openFolderStore(join(folder, 'warehouse'))
  const catalog = openSqlCatalog({ file, store })
  await makeTableIn({ schema: wideSchema, files, positions: new Map([[0, [0, rows.length]]]) }, { catalog, store })
  await catalog.close()
  const schemas = temporaryFolder()
  writeFileSync(join(schemas, 'wide.avsc'), JSON.stringify(wideAvro))
  writeFileSync(join(schemas, 'ids.json'), JSON.stringify({ ids: { 1: 'wide.avsc' }, subjects: {} }))
  const config: Config<'verify'> = {
    source: writeLog(new Map([[0, new LogMaker().records(samples)]])),
    brokers: null,
    saslMechanism: 'plain',
    saslUsername: null,
    saslPassword: null,
    ssl: false,
    sslCa: null,
    sslCert: null,
    sslKey: null,
    topic: { kind: 'pattern', pattern: String.raw`^market\.` },
    schemas,
    registry: null,
    registryAuth: null,
    registryCache: '.k2/schemas',
    catalog: { kind: 'sqlite', file },
    warehouse: join(folder, 'warehouse'),
    table: null,
    routes: [],
    json: false,
    config: null,
    ...more,
  }
  return { config, folder }
}

async function run(config: Config<'verify'>) {
  const io: CommandIo & { readonly out: Screen } = { out: screen(), err: screen(), version: '0' }
  return { code: await verifyCommand(config, io), text: io.out.text }
}

it('exits 0 with the proof where table and source are equal', async () => {
  const { config } = await world([rows])
  const { code, text } = await run(config)
  expect(text).toContain('PROVEN: table and source are equal: 0 missing, 0 duplicate, 0 extra, 0 changed')
  expect(text).toContain(topicName)
  expect(code).toBe(0)
})

it('exits 1 with what differs, by offset and column', async () => {
  const { config } = await world([rows.slice(0, 19), [{ ...(rows[3] as Row), small: 77 }]])
  const { code, text } = await run(config)
  expect(text).toContain('NOT PROVEN: 1 missing, 1 duplicate, 0 extra, 0 changed')
  expect(text).toContain(`missing: ${topicName} 0 offset 19`)
  expect(code).toBe(1)
  const changed = await run((await world([rows.map((row, at) => (at === 3 ? { ...row, small: 77 } : row))])).config)
  expect(changed.text).toContain('  small: source -3, table 77')
  expect(changed.code).toBe(1)
})

it('prints one JSON document with --json', async () => {
  const { config } = await world([rows.slice(1)], { json: true })
  const { code, text } = await run(config)
  const document: unknown = JSON.parse(text)
  expect(document).toMatchObject({
    verdict: 'different',
    tables: [
      {
        table: 'market_data.trades_v2',
        snapshotId: '9007199254740993',
        totals: { missing: 1, duplicate: 0, extra: 0, changed: 0 },
        partitions: [{ topic: topicName, partition: 0, start: '0', next: '20', missing: 1 }],
        examples: [{ kind: 'missing', offset: '0' }],
      },
    ],
  })
  expect(code).toBe(1)
})

it('ends by name where there is nothing to compare', async () => {
  const { config, folder } = await world([rows])
  await expect(run({ ...config, source: join(folder, 'nowhere') })).rejects.toMatchObject({ code: 'SOURCE_MISSING' })
  await expect(run({ ...config, topic: { kind: 'names', names: ['other'] } })).rejects.toMatchObject({
    code: 'SOURCE_EMPTY',
  })
  await expect(run({ ...config, table: { namespace: ['a'], name: 'b' } })).rejects.toMatchObject({
    code: 'TABLE_MISSING',
  })
  rmSync(config.catalog.file)
  await expect(run(config)).rejects.toMatchObject({ code: 'CATALOG_UNREADABLE' })
})
