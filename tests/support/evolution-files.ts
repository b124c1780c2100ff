// The schemas of evolution cases as a registry of files, whose newest schema is the first of each case, and the records under them.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import avro from 'avsc'
import type { EvolutionCase } from './evolution-cases.ts'

export const EVOLVING_RECORDS = 40
/** Rows that come before the first record of the second schema. */
export const BEFORE = 11

export const tableOf = (each: EvolutionCase): string => `market_data.${each.name}_v2`
export const topicOf = (each: EvolutionCase): string => `market.test.${each.name}.x`

/** Which version a record is written with: the first for a while, then all in turn. */
const versionAt = ({ versions }: EvolutionCase, index: number): number =>
  index < BEFORE ? 0 : (index - BEFORE + 1) % versions.length

type Rows = readonly Readonly<Record<string, unknown>>[]
export const rowsOf = (each: EvolutionCase, count: number): Rows =>
  Array.from({ length: count }, (_, index) => each.versions[versionAt(each, index)]?.row(index) ?? {})

/** Writes the folder `schemas`; answers the bytes of a case's record, framed. */
export async function evolutionFiles(
  cases: readonly EvolutionCase[],
  schemas: string,
): Promise<(each: EvolutionCase, index: number) => Buffer> {
  await mkdir(schemas)
  const ids: Record<string, string> = {}
  const subjects: Record<string, number> = {}
  const records = new Map<EvolutionCase, (index: number) => Buffer>()
  for (const each of cases) {
    const first = Object.keys(ids).length + 1
    subjects[`${topicOf(each)}-value`] = first
    const types = each.versions.map(({ fields }) => ({ type: 'record' as const, name: 'Row', fields: [...fields] }))
    for (const [version, type] of types.entries()) {
      ids[first + version] = `${each.name}-${version}.avsc`
      await writeFile(join(schemas, `${each.name}-${version}.avsc`), JSON.stringify(type))
    }
    const codecs = types.map((type) => avro.Type.forSchema(structuredClone(type) as unknown as avro.Schema))
    records.set(each, (index) => {
      const version = versionAt(each, index)
      const head = Buffer.from([0, 0, 0, 0, first + version])
      return Buffer.concat([head, codecs[version]?.toBuffer(each.versions[version]?.record(index)) ?? head])
    })
  }
  await writeFile(join(schemas, 'ids.json'), JSON.stringify({ ids, subjects }))
  return (each, index) => {
    const bytesOf = records.get(each)
    if (bytesOf === undefined) throw new Error(`${each.name} is none of the cases`)
    return bytesOf(index)
  }
}
