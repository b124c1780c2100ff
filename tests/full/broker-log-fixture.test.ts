// The fixture that is read without a broker is what a broker makes: made again, librdkafka reads the same of it.
import { expect, test } from 'vitest'
import { makeBrokerLog, readFixture, writeFixture } from '../support/hostile-logs/make-fixture.ts'
import { differences } from '../support/hostile-logs/record-lines.ts'

test('the fixture of a broker log can be made again', async () => {
  const made = await makeBrokerLog()
  if (process.env['UPDATE_FIXTURE'] === '1') await writeFixture(made)
  const { lines } = await readFixture()
  expect([...made.lines.keys()]).toEqual([...lines.keys()])
  expect(differences(made.lines, lines)).toEqual([])
}, 600_000)
