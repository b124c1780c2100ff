import { expect, test } from 'vitest'
import { isSmall, SizeClasses, targetFileBytes } from '../../../src/main/tables/size-classes.ts'

const MIB = 2 ** 20

test('a file falls into the class that begins at or below its size and ends above it', () => {
  const classes = new SizeClasses()
  const sizes = [0, 65_535, 65_536, MIB - 1, MIB, 1024 * MIB, 5_000 * MIB]
  for (const size of sizes) classes.add(BigInt(size), 10n)
  const used = classes.all().filter(({ files }) => files > 0)
  expect(used.map(({ from, to, files, rows }) => [from, to, files, rows])).toEqual([
    [0, 65_536, 2, 20n],
    [65_536, 262_144, 1, 10n],
    [262_144, MIB, 1, 10n],
    [MIB, 4 * MIB, 1, 10n],
    [1024 * MIB, null, 2, 20n],
  ])
  expect(classes.all().reduce((sum, { bytes }) => sum + bytes, 0n)).toBe(
    BigInt(sizes.reduce((sum, size) => sum + size)),
  )
})

test('classes are there without a file, leave nothing out between them and grow by four', () => {
  const all = new SizeClasses().all()
  expect(all[0]?.from).toBe(0)
  for (const [index, { to }] of all.entries()) expect(to).toBe(all[index + 1]?.from ?? null)
  for (const { from, to } of all.slice(1, -1)) expect(to).toBe(from * 4)
})

test('the target is the table’s own, Iceberg’s default without one, and not what is no size', () => {
  const target = (text?: string): number =>
    targetFileBytes({ properties: text === undefined ? {} : { 'write.target-file-size-bytes': text } })
  expect(target()).toBe(512 * MIB)
  expect(target('134217728')).toBe(128 * MIB)
  for (const wrong of ['', 'big', '-1', '0']) expect(target(wrong)).toBe(512 * MIB)
})

test('a file is small below an eighth of the target', () => {
  expect([isSmall(63, 512), isSmall(64, 512)]).toEqual([true, false])
})
