import { describe, expect, it } from 'vitest'
import { IngestError } from '../../../src/shared/errors.ts'
import { chooseEncoder } from '../../../src/shared/parquet/encoder-choice.ts'
import { isCodecWritable } from '../../../src/shared/parquet/page-compression.ts'
import { parquetProperties, standardProperties } from '../../../src/shared/parquet/parquet-properties.ts'

function refusal(properties: Record<string, string>): unknown {
  try {
    parquetProperties(properties, 'a.b')
  } catch (error) {
    return error instanceof IngestError ? [error.code, error.context] : error
  }
  return 'taken'
}

describe('properties of a table', () => {
  it('have the defaults of Iceberg where they are not set', () => {
    expect(parquetProperties({ 'k2.positions': '{}' }, 'a.b')).toEqual({
      codec: 'zstd',
      level: null,
      rowGroupBytes: 134_217_728,
      pageBytes: 1_048_576,
      pageRows: 20_000,
      dictionaryBytes: 2_097_152,
    })
  })

  it('are taken as set, codecs by any of their names', () => {
    const given = {
      'write.parquet.compression-codec': 'LZ4_RAW',
      'write.parquet.row-group-size-bytes': '1000',
      'write.parquet.page-size-bytes': ' 2000 ',
      'write.parquet.page-row-limit': '1',
      'write.parquet.dict-size-bytes': '2147483647',
    }
    expect(parquetProperties(given, 'a.b')).toEqual({
      codec: 'lz4',
      level: null,
      rowGroupBytes: 1000,
      pageBytes: 2000,
      pageRows: 1,
      dictionaryBytes: 2_147_483_647,
    })
    const gzip = { 'write.parquet.compression-codec': 'gzip', 'write.parquet.compression-level': '9' }
    expect(parquetProperties(gzip, 'a.b')).toMatchObject({ codec: 'gzip', level: 9 })
  })

  it('without meaning for the codec are passed over', () => {
    const snappy = { 'write.parquet.compression-codec': 'snappy', 'write.parquet.compression-level': 'high' }
    expect(parquetProperties(snappy, 'a.b')).toMatchObject({ codec: 'snappy', level: null })
  })

  it('that cannot be used are refused with table, property, value and what is allowed', () => {
    const property = 'write.parquet.page-size-bytes'
    for (const value of ['0', '-1', '1.5', '1MiB', '', '2147483648', '99999999999']) {
      const allowed = '1 to 2147483647'
      expect(refusal({ [property]: value })).toEqual(['TABLE_PROPERTY', { table: 'a.b', property, value, allowed }])
    }
    expect(refusal({ 'write.parquet.compression-codec': 'lzo' })).toMatchObject([
      'TABLE_PROPERTY',
      { value: 'lzo', allowed: 'zstd, snappy, lz4, lz4_raw, gzip, uncompressed' },
    ])
    for (const value of ['0', '23', 'fast']) {
      expect(refusal({ 'write.parquet.compression-level': value })).toMatchObject([
        'TABLE_PROPERTY',
        { property: 'write.parquet.compression-level', value, allowed: '1 to 22' },
      ])
    }
  })
})

describe('the encoder of a table', () => {
  it('is the direct one wherever this Node can compress, and says why where it cannot', () => {
    expect(chooseEncoder('auto', { ...standardProperties, codec: 'lz4' })).toEqual({ kind: 'direct' })
    const zstd = chooseEncoder('auto', standardProperties)
    if (isCodecWritable('zstd')) expect(zstd).toEqual({ kind: 'direct' })
    else expect(zstd).toEqual({ kind: 'wasm', reason: expect.stringContaining(process.versions.node) })
  })

  it('is the one asked for', () => {
    expect(chooseEncoder('wasm', standardProperties)).toEqual({ kind: 'wasm', reason: null })
    expect(chooseEncoder('direct', standardProperties)).toEqual({ kind: 'direct' })
  })
})
