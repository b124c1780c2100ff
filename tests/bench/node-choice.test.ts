// Which Node a bench measures on, and what it says of it.
import { expect, test } from 'vitest'
import { chooseNode, planNode, versionsOf } from '../../bench/node-choice.ts'

test('the own Node is measured from 22.15 on; an older one gives way to 24 from npm', () => {
  expect(['22.15.0', '23.0.0', '24.1.2'].map((own) => planNode(null, own).kind)).toEqual(['own', 'own', 'own'])
  expect(planNode(null, '22.14.0')).toEqual({
    kind: 'version',
    version: '24',
    why: "the machine's own is 22.14.0, without native zstd (from 22.15 on)",
    orOwn: true,
  })
})

test('--node is a path where it holds a slash, else a version', () => {
  expect(planNode('/opt/node/bin/node', '24.0.0')).toMatchObject({ kind: 'path', path: '/opt/node/bin/node' })
  expect(planNode('22.15.0', '24.0.0')).toMatchObject({ kind: 'version', version: '22.15.0', orOwn: false })
})

test('the executable is resolved once, and asked for its versions', () => {
  const choice = chooseNode({ kind: 'path', path: process.execPath, why: 'a test' })
  expect(choice).toEqual({ path: process.execPath, why: 'a test' })
  expect(versionsOf(choice.path)['node']).toBe(process.versions.node)
})

test.each(['/bin/cat', '/no/such/node'])('%s is refused', (path) => {
  expect(() => chooseNode({ kind: 'path', path, why: 'a test' })).toThrow('--node')
})
