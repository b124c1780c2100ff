// Judges input after input until it is told to stop, and says where it is: should the process itself die, that is a finding, too.
import { createRandom } from '../simulation/random.ts'
import { inspect } from './inspect.ts'
import { targets } from './targets.ts'

const [seed = 0, from = 0, stride = 1] = process.argv.slice(2).map(Number)
const tell = (message: object): void => void process.send?.(message)

for (let index = from; ; index++) {
  if ((index - from) % stride === 0) {
    tell({ kind: 'at', index })
    // Lets messages out, and the parent's signal in.
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const target of targets) {
    const why = await inspect(target, target.make(createRandom(seed + index)))
    if (why !== null) tell({ kind: 'finding', target: target.name, index, why })
  }
}
