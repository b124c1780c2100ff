// bench/README.md says what each figure is, and what the bench takes.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { usage } from '../../bench/arguments.ts'
import { CALIBRATION, figureTimes } from '../../bench/benches.ts'

const readme = readFileSync(new URL('../../bench/README.md', import.meta.url), 'utf8')

test('each figure has a row that says what is measured, and each that must be asked for says how', () => {
  const rows = readme.split('\n').filter((line) => line.startsWith('| `'))
  const missing = [...figureTimes].filter(([name, when]) => {
    const row = rows.find((line) => line.startsWith(`| \`${name}\``))
    const how = { always: '', long: '(`--long`)', python: '(`--peer python`)' }[when]
    return row?.includes(how) !== true
  })
  expect(missing.map(([name]) => name)).toEqual([CALIBRATION])
  expect(readme).toContain(`\`${CALIBRATION}\` comes first`)
})

test('options that it names are options of the bench', () => {
  const named = [...readme.matchAll(/npm run bench -- ([^#\n]*)/g)].flatMap(
    ([, words = '']) => words.match(/--[\w-]+/g) ?? [],
  )
  expect(named.length).toBeGreaterThan(3)
  expect(named.filter((option) => !usage.includes(option))).toEqual([])
})
