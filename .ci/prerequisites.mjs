// What `npm test` needs beyond npm packages, said by name before a test fails for want of it.
import { spawnSync } from 'node:child_process'

const missing = []
const python = spawnSync('python3', ['-c', 'import sys, venv, ensurepip; print(*sys.version_info[:2])'], { encoding: 'utf8' })
if (python.error !== undefined) {
  missing.push('python3 (3.10 or newer): the tests read the tables back with pyiceberg')
} else if (python.status !== 0) {
  missing.push(`python3 with venv and ensurepip (Debian: apt-get install python3-venv): ${python.stderr.trim().split('\n').at(-1)}`)
} else {
  const [major = 0, minor = 0] = python.stdout.split(' ').map(Number)
  if (major < 3 || (major === 3 && minor < 10)) missing.push(`python3 3.10 or newer, not ${major}.${minor}`)
}
if (spawnSync('git', ['--version']).status !== 0) missing.push('git: the README is tested in a copy of what git knows')
for (const line of missing) console.error(`npm test needs ${line}`)
process.exit(missing.length === 0 ? 0 : 1)
