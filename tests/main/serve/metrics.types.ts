// What must not compile: `npm run types` reads this file, and fails where a line that is expected to be an error is none.
import { Metrics } from '../../../src/main/serve/metrics.ts'

const metrics = new Metrics(10)
const [table, topic] = ['t', 't']

metrics.add('k2_dead_letters_total', { table, code: 'RECORD_VARINT' })
metrics.set('k2_ready', {}, 1)
metrics.observe('k2_chunk_stage_seconds', { stage: 'put' }, 1)

// @ts-expect-error: no metric of this name
metrics.add('k2_dead_letter_total', { table, code: 'RECORD_VARINT' })
// @ts-expect-error: a label that the metric does not have
metrics.add('k2_records_consumed_total', { table, topic, exchange: 'binance' })
// @ts-expect-error: a label is missing
metrics.add('k2_records_consumed_total', { table })
// @ts-expect-error: a label under another name
metrics.add('k2_records_consumed_total', { table, topics: topic })
// @ts-expect-error: a value outside the closed set
metrics.add('k2_dead_letters_total', { table, code: 'SOURCE_CORRUPT' })
// @ts-expect-error: any text, where the set is closed
metrics.add('k2_commits_total', { table, outcome: table })
// @ts-expect-error: a value misspelt
metrics.observe('k2_chunk_stage_seconds', { stage: 'decoding' }, 1)
// @ts-expect-error: a label, where there is none
metrics.set('k2_ready', { table }, 1)
// @ts-expect-error: a gauge is not added to
metrics.add('k2_ready', {})
// @ts-expect-error: a counter is not set
metrics.set('k2_records_consumed_total', { table, topic }, 1)
// @ts-expect-error: a label value is text
metrics.set('k2_lag_records', { table, topic, partition: 1 }, 1)
