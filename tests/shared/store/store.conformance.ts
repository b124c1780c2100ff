// What every Store must do. Run on the double and on each real store.
import { expect, test } from 'vitest'
import type { Store } from '../../../src/shared/store/store.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (read: Uint8Array): string => new TextDecoder().decode(read)

export function storeConformance(make: () => Promise<Store>): void {
  test('a file that was put is read back whole, in part, and by its size', async () => {
    const store = await make()
    const location = `${store.root}/t/data/day=2014-03-10/a.parquet`
    await store.putIfAbsent(location, bytes('hello world'))
    expect(text(await store.read(location))).toBe('hello world')
    expect(text(await store.read(location, { first: 6, next: 9 }))).toBe('wor')
    expect(text(await store.read(location, { first: 6, next: 99 }))).toBe('world')
    expect(await store.size(location)).toBe(11)
  })

  test('an empty file is a file', async () => {
    const store = await make()
    await store.putIfAbsent(`${store.root}/empty`, bytes(''))
    expect(await store.size(`${store.root}/empty`)).toBe(0)
    expect((await store.read(`${store.root}/empty`)).length).toBe(0)
  })

  test('a location that is taken is refused and keeps its bytes', async () => {
    const store = await make()
    const location = `${store.root}/t/metadata/1.json`
    await store.putIfAbsent(location, bytes('first'))
    await expect(store.putIfAbsent(location, bytes('second'))).rejects.toMatchObject({ code: 'STORE_EXISTS' })
    expect(text(await store.read(location))).toBe('first')
  })

  test('of many writers of one location exactly one succeeds, and its bytes are the ones that stay', async () => {
    const store = await make()
    const location = `${store.root}/race`
    const writers = Array.from({ length: 12 }, (_, index) => `writer ${index}`)
    const results = await Promise.allSettled(writers.map((each) => store.putIfAbsent(location, bytes(each))))
    const winners = writers.filter((_, index) => results[index]?.status === 'fulfilled')
    expect(winners).toEqual([text(await store.read(location))])
  })

  test('the bytes are those of the moment of the put, whatever the caller does with the buffer later', async () => {
    const store = await make()
    const buffer = bytes('before')
    await store.putIfAbsent(`${store.root}/buffer`, buffer)
    buffer.fill(0)
    expect(text(await store.read(`${store.root}/buffer`))).toBe('before')
  })

  test('a missing file is STORE_MISSING to read, null to size, and no error to delete', async () => {
    const store = await make()
    const location = `${store.root}/t/none`
    await expect(store.read(location)).rejects.toMatchObject({ code: 'STORE_MISSING' })
    expect(await store.size(location)).toBeNull()
    await store.delete(location)
  })

  test('a deleted file is gone and its location free again', async () => {
    const store = await make()
    const location = `${store.root}/t/again`
    await store.putIfAbsent(location, bytes('one'))
    await store.delete(location)
    await expect(store.read(location)).rejects.toMatchObject({ code: 'STORE_MISSING' })
    await store.putIfAbsent(location, bytes('two'))
    expect(text(await store.read(location))).toBe('two')
  })

  test('a location outside the root is refused by name, also by a detour', async () => {
    const store = await make()
    for (const location of [`${store.root}-other/file`, `${store.root}/../file`, 's3://bucket/file', 'file://host/x']) {
      await expect(store.putIfAbsent(location, bytes('x'))).rejects.toMatchObject({ code: 'STORE_NOT_WRITABLE' })
      await expect(store.read(location)).rejects.toMatchObject({ code: 'STORE_MISSING' })
    }
  })

  test('a hint never fails, even where it cannot be written', async () => {
    const store = await make()
    await store.hint(`${store.root}/no/such/folder/version-hint.text`, '1')
  })
}
