// Looks once which programs this machine has, and words what is missing with how to get it. Main thread; starts each program only
// to ask its version.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Machine, Need, Runtimes } from './service.ts'

const run = promisify(execFile)
const ANSWER_MS_MAX = 20_000

/** Both streams of a program that only tells its version, or null where it is not there. */
async function ask(command: string, ...words: readonly string[]): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(command, words, { timeout: ANSWER_MS_MAX })
    return stdout + stderr
  } catch {
    return null
  }
}

export async function surveyRuntimes(): Promise<Runtimes> {
  const [java, redis, valkey] = await Promise.all([
    ask('java', '-version'),
    ask('redis-server', '--version'),
    ask('valkey-server', '--version'),
  ])
  return {
    java: java === null ? null : javaMajor(java),
    redisServer: redis !== null ? 'redis-server' : valkey !== null ? 'valkey-server' : null,
  }
}

type Tools = Omit<Machine, keyof Runtimes>

export async function surveyTools(): Promise<Tools> {
  const [javac, maven, go, tar, dpkg, apt] = await Promise.all([
    ask('javac', '-version'),
    ask('mvn', '-version'),
    ask('go', 'version'),
    ask('tar', '--version'),
    ask('dpkg-deb', '--version'),
    ask('apt-get', '--version'),
  ])
  return {
    javac: javac !== null,
    maven: maven !== null,
    go: go !== null,
    tar: tar !== null,
    debian: dpkg !== null && apt !== null,
  }
}

/** `openjdk version "17.0.15"` → 17; the old `"1.8.0_292"` → 8. */
export function javaMajor(text: string): number | null {
  const match = /version "(?:1\.)?(\d+)/.exec(text)
  return match === null ? null : Number(match[1])
}

/** Java within bounds, both included; null where it is. */
export function needJava(machine: Machine, least: number, most: number | null): readonly Need[] {
  const { java } = machine
  if (java !== null && java >= least && (most === null || java <= most)) return []
  const range = most === null ? `Java ${least} or newer` : `Java ${least} to ${most}`
  const found = java === null ? '' : `, not ${java}`
  return [
    { what: `${range}${found}`, install: 'apt-get install openjdk-17-jdk-headless, and its java first on the PATH' },
  ]
}

/** Where nothing is to be installed, nobody asks for a tool: two of them start a Java to tell their version. */
export const toolsUnasked: Tools = { javac: false, maven: false, go: false, tar: false, debian: false }

const KNOWN = {
  javac: { what: 'a Java compiler (javac)', install: 'apt-get install openjdk-17-jdk-headless' },
  maven: { what: 'Maven (mvn)', install: 'apt-get install maven' },
  go: { what: 'Go', install: 'apt-get install golang, or the one of go.dev' },
  tar: { what: 'tar', install: 'apt-get install tar' },
} as const satisfies Partial<Record<keyof Machine, Need>>

export const needTools = (machine: Machine, tools: ReadonlyArray<keyof typeof KNOWN>): readonly Need[] =>
  tools.filter((tool) => !machine[tool]).map((tool) => KNOWN[tool])
