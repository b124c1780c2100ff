// Process entry: measures one bench and sends its figures to the process that asked. Alone in its process, so that the code and the
// memory of one bench are not met by the next.
import { benches } from './benches.ts'
import type { BenchOptions } from './figure.ts'

const [name = '', json = ''] = process.argv.slice(2)
const found = benches.get(name)
if (found === undefined || process.send === undefined) throw new Error(`no bench ${name}, or nobody to tell`)
// The cast: main.ts of this folder wrote it.
// Ended, it ends what it started: k2-process.ts listens for the exit.
process.once('SIGTERM', () => process.exit(1))
const outcomes = await found.bench(JSON.parse(json) as BenchOptions)
process.send(outcomes, () => process.exit(0))
