import { expect, test } from 'vitest'
import { readExposition } from './exposition.ts'

const head = '# HELP a_b Words.\n# TYPE a_b gauge\n'
const histogram = '# HELP h Words.\n# TYPE h histogram\n'

test('a metric with labels is read as it was written', () => {
  const family = readExposition(`${head}a_b{x="1",y="a\\"b"} 2.5\n`).get('a_b')
  expect(family?.samples).toEqual([{ name: 'a_b', labels: { x: '1', y: 'a\\"b' }, value: 2.5 }])
})

test.each([
  ['a series twice', `${head}a_b{x="1"} 1\na_b{x="1"} 2\n`],
  ['a sample before its family', `a_b 1\n${head}`],
  ['a family twice', `${head}a_b 1\n${head}`],
  ['no type', '# HELP a_b Words.\na_c 1\n'],
  ['no number', `${head}a_b one\n`],
  ['a label without quotes', `${head}a_b{x=1} 1\n`],
  ['a label twice', `${head}a_b{x="1",x="2"} 1\n`],
  ['no end of the last line', `${head}a_b 1`],
  ['buckets that fall', `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`],
  ['no bucket without a bound', `${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`],
  ['a count that is not the last bucket', `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`],
])('%s is refused', (_, text) => {
  expect(() => readExposition(text)).toThrow()
})
