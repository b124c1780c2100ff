// `npm run fuzz [-- seconds [seed]]`: hostile bytes against what reads them, for so long. Inputs that are not taken as they should be are
// kept in tests/fuzz/corpus, which every unit test run judges again. Exit 1 where there were any.
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRandom } from '../simulation/random.ts'
import { targets } from './targets.ts'

const corpus = join(process.cwd(), 'tests', 'fuzz', 'corpus')
const [seconds = 60, seed = Date.now() % 1_000_000_000] = process.argv.slice(2).map(Number)
const STRIDE = 200
const FINDINGS_MAX = 20

type Message =
  | { readonly kind: 'at'; readonly index: number }
  | { readonly kind: 'finding'; readonly target: string; readonly index: number; readonly why: string }

interface Life {
  /** Of the last input that was begun. */
  readonly index: number
  readonly isTimeUp: boolean
}

let findings = 0

/** One child, until the time is up or it dies. */
function live(from: number, stride: number, untilMs: number): Promise<Life> {
  return new Promise((resolve) => {
    const child: ChildProcess = fork(
      fileURLToPath(new URL('./child.js', import.meta.url)),
      [seed, from, stride].map(String),
      {
        execArgv: ['--max-old-space-size=512'],
      },
    )
    let index = from
    let isTimeUp = false
    const timer = setTimeout(
      () => {
        isTimeUp = true
        child.kill('SIGKILL')
      },
      Math.max(0, untilMs - Date.now()),
    )
    child.on('message', (message: Message) => {
      if (message.kind === 'at') index = message.index
      else keep(message.target, message.index, message.why)
    })
    child.on('exit', () => {
      clearTimeout(timer)
      resolve({ index, isTimeUp })
    })
  })
}

function keep(targetName: string, index: number, why: string): void {
  const target = targets.find(({ name }) => name === targetName)
  if (target === undefined || ++findings > FINDINGS_MAX) return
  const input = target.make(createRandom(seed + index))
  const name = `${targetName}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`
  mkdirSync(corpus, { recursive: true })
  writeFileSync(join(corpus, name), input)
  console.log(`${name} (seed ${seed}, input ${index}): ${why}`)
}

const startMs = Date.now()
const untilMs = startMs + seconds * 1000
let next = 0
console.log(`${seconds} s from seed ${seed}: ${targets.map(({ name }) => name).join(', ')}`)
while (Date.now() < untilMs && findings <= FINDINGS_MAX) {
  const { index, isTimeUp } = await live(next, STRIDE, untilMs)
  next = index
  if (isTimeUp) break
  // It died somewhere in the last stretch: once more, one by one.
  const again = await live(index, 1, Date.now() + 60_000)
  if (!again.isTimeUp)
    for (const { name } of targets)
      keep(name, again.index, 'the process died with this input, or another of its number')
  next = again.index + 1
}
console.log(`${next * targets.length} inputs in ${Math.round((Date.now() - startMs) / 1000)} s, ${findings} findings`)
process.exit(findings > 0 ? 1 : 0)
