// What `npm test` needs beyond npm packages, said by name before a test fails for want of it.
import { spawnSync } from 'node:child_process'

const missing = []
const works = (program, ...words) => spawnSync(program, words, { stdio: 'ignore' }).status === 0

const python = spawnSync('python3', ['-c', 'import sys, venv, ensurepip; print(*sys.version_info[:2])'], { encoding: 'utf8' })
if (python.error !== undefined) {
  missing.push('python3 (3.10 or newer): the tests read the tables back with pyiceberg')
} else if (python.status !== 0) {
  missing.push(`python3 with venv and ensurepip (Debian: apt-get install python3-venv): ${python.stderr.trim().split('\n').at(-1)}`)
} else {
  const [major = 0, minor = 0] = python.stdout.split(' ').map(Number)
  if (major < 3 || (major === 3 && minor < 10)) missing.push(`python3 3.10 or newer, not ${major}.${minor}`)
}
if (!works('git', '--version')) missing.push('git: the README is tested in a copy of what git knows')

const servers = 'the tests run against real servers (docs/services.md)'
const javac = spawnSync('javac', ['-version'], { encoding: 'utf8' })
const java = /\b(\d+)\./.exec(`${javac.stdout ?? ''}${javac.stderr ?? ''}`)
if (java === null || Number(java[1]) < 17) missing.push(`a JDK, 17 or newer (Debian: openjdk-17-jdk-headless): ${servers}`)
if (!works('mvn', '--version')) missing.push(`Maven (Debian: maven): ${servers}`)
if (!works('go', 'version')) missing.push(`Go: the S3 server among them is built from its source; ${servers}`)
const hasRedis = works('redis-server', '--version') || works('valkey-server', '--version')
if (!hasRedis && !(works('dpkg-deb', '--version') && works('apt-get', '--version'))) {
  missing.push(`redis-server, or apt-get and dpkg-deb to unpack one: ${servers}`)
}
if (!works('openssl', 'version')) missing.push('openssl: the tests make certificates for brokers that want TLS')
if (!works('tar', '--version')) missing.push(`tar: ${servers}`)

for (const line of missing) console.error(`npm test needs ${line}`)
process.exit(missing.length === 0 ? 0 : 1)
