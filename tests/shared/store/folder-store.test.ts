import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFolderStore } from '../../../src/shared/store/folder-store.ts'
import { storeErrorCode } from '../../../src/shared/store/store-error.ts'
import { storeConformance } from './store.conformance.ts'

let folder = ''
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2-store-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})
const freshRoot = (): string => join(folder, `root-${count++}`, 'warehouse')
const one = Uint8Array.of(1)

describe('the store in a folder', () => {
  storeConformance(async () => openFolderStore(freshRoot()))

  test('its root is given as a path or as a location, with one or three slashes', () => {
    for (const root of ['/srv/w', 'file:///srv/w', 'file:/srv/w', 'file:///srv/x/../w/', 'file://localhost/srv/w']) {
      expect(openFolderStore(root).root).toBe('file:///srv/w')
    }
    expect(() => openFolderStore('s3://bucket/w')).toThrow('STORE_NOT_WRITABLE')
  })

  test('a location spelled as Java prints it, or as a plain path, means the same file', async () => {
    const root = freshRoot()
    const store = openFolderStore(root)
    await store.putIfAbsent(`file:${root}/a`, one)
    expect(await store.size(`file://${root}/a`)).toBe(1)
    expect(await store.size(`${root}/a`)).toBe(1)
  })

  test('spaces and percent signs are part of the name, as other Iceberg readers take them', async () => {
    const root = `${freshRoot()} with space`
    const store = openFolderStore(root)
    await store.putIfAbsent(`${store.root}/s=a%2Fb/f`, one)
    expect(await readdir(join(root, 's=a%2Fb'))).toEqual(['f'])
  })

  test('a put leaves no temporary file, whether it succeeds or is refused', async () => {
    const root = freshRoot()
    const store = openFolderStore(root)
    await store.putIfAbsent(`${store.root}/f`, one)
    await store.putIfAbsent(`${store.root}/f`, one).catch(() => undefined)
    await store.hint(`${store.root}/version-hint.text`, '00001-x')
    expect((await readdir(root)).sort()).toEqual(['f', 'version-hint.text'])
    expect(await readFile(join(root, 'version-hint.text'), 'utf8')).toBe('00001-x')
  })

  test('temporary files of an old crash are swept, young ones and other files are left', async () => {
    const root = freshRoot()
    await mkdir(root, { recursive: true })
    const old = new Date(Date.now() - 2 * 3_600_000)
    for (const name of ['.k2-old.tmp', 'other.tmp', '.k2-young.tmp']) await writeFile(join(root, name), 'x')
    for (const name of ['.k2-old.tmp', 'other.tmp']) await utimes(join(root, name), old, old)
    await openFolderStore(root).putIfAbsent(`file://${root}/f`, one)
    expect((await readdir(root)).sort()).toEqual(['.k2-young.tmp', 'f', 'other.tmp'])
  })

  test('a folder that was removed after it was seen is made again', async () => {
    const root = freshRoot()
    const store = openFolderStore(root)
    await store.putIfAbsent(`${store.root}/d/1`, one)
    await rm(join(root, 'd'), { recursive: true })
    await store.putIfAbsent(`${store.root}/d/2`, one)
    expect(await store.size(`${store.root}/d/2`)).toBe(1)
  })

  test('a file in the place of a folder is not writable, with the folder in the error', async () => {
    const root = freshRoot()
    await mkdir(root, { recursive: true })
    await writeFile(join(root, 'data'), 'a file')
    const store = openFolderStore(root)
    const location = `${store.root}/data/f`
    await expect(store.putIfAbsent(location, one)).rejects.toMatchObject({
      code: 'STORE_NOT_WRITABLE',
      context: { folder: join(root, 'data') },
    })
    await expect(store.read(location)).rejects.toMatchObject({ code: 'STORE_MISSING' })
  })

  test('a dangling link is a taken location', async () => {
    const root = freshRoot()
    await mkdir(root, { recursive: true })
    await symlink('/nowhere/at/all', join(root, 'f'))
    await expect(openFolderStore(root).putIfAbsent(`file://${root}/f`, one)).rejects.toMatchObject({
      code: 'STORE_EXISTS',
    })
  })

  test.each([
    ['ENOSPC', 'put', 'STORE_FULL'],
    ['EDQUOT', 'put', 'STORE_FULL'],
    ['EACCES', 'put', 'STORE_NOT_WRITABLE'],
    ['EROFS', 'put', 'STORE_NOT_WRITABLE'],
    ['ENOTDIR', 'put', 'STORE_NOT_WRITABLE'],
    ['EEXIST', 'put', 'STORE_EXISTS'],
    ['EIO', 'put', 'STORE_IO'],
    ['EMFILE', 'read', 'STORE_IO'],
    ['EACCES', 'read', 'STORE_IO'],
    ['ENOENT', 'read', 'STORE_MISSING'],
  ] as const)('%s on %s is %s', (errno, operation, code) => {
    expect(storeErrorCode(errno, operation)).toBe(code)
  })
})
