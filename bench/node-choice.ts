// Which Node K2 is measured on. Native zstd, which the direct page writer needs, came with 22.15: on a machine with an older one a
// newer comes from the npm registry. Invariant: the report says which Node it was, and why.
import { execFileSync } from 'node:child_process'
import { isAbsolute } from 'node:path'

export interface NodeChoice {
  /** The executable. */
  readonly path: string
  readonly why: string
}

/** The first with zstd in node:zlib. */
const FAST_FROM = [22, 15] as const
const FROM_REGISTRY = '24'

/** What to measure on: the Node that runs the bench, an executable, or a version that npm brings. Pure. */
export type NodePlan =
  | { readonly kind: 'own'; readonly why: string }
  | { readonly kind: 'path'; readonly path: string; readonly why: string }
  | { readonly kind: 'version'; readonly version: string; readonly why: string; readonly orOwn: boolean }

/** `wanted`: --node; `own`: version of the Node that runs the bench, as 20.19.1. */
export function planNode(wanted: string | null, own: string): NodePlan {
  if (wanted !== null) {
    const why = `asked for by --node ${wanted}`
    return /[/\\]/.test(wanted)
      ? { kind: 'path', path: wanted, why }
      : { kind: 'version', version: wanted, why, orOwn: false }
  }
  const [major = 0, minor = 0] = own.split('.').map(Number)
  const isFast = major > FAST_FROM[0] || (major === FAST_FROM[0] && minor >= FAST_FROM[1])
  if (isFast) return { kind: 'own', why: `the machine's own, ${own}, has native zstd` }
  const why = `the machine's own is ${own}, without native zstd (from ${FAST_FROM.join('.')} on)`
  return { kind: 'version', version: FROM_REGISTRY, why, orOwn: true }
}

/** Errors: a text where the Node that was asked for is not to be had. Without --node the machine's own takes its place, and is named. */
export function chooseNode(plan: NodePlan): NodeChoice {
  switch (plan.kind) {
    case 'own':
      return { path: process.execPath, why: plan.why }
    case 'path':
      return { path: executableOf(plan.path, []), why: plan.why }
    case 'version':
      try {
        return { path: executableOf('npx', ['-y', '-p', `node@${plan.version}`, 'node']), why: plan.why }
      } catch (error) {
        if (!plan.orOwn) throw error
        return {
          path: process.execPath,
          why: `${plan.why}; npm did not bring ${plan.version}, so the slow path is measured`,
        }
      }
  }
}

/** Runs the command once: what it starts is what is measured, without npx in between. */
function executableOf(command: string, words: readonly string[]): string {
  let path: string
  try {
    path = execFileSync(command, [...words, '-p', 'process.execPath'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  } catch (error) {
    throw new Error(
      `--node: ${command} ${words.join(' ')} does not run: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  if (!isAbsolute(path)) throw new Error(`--node: ${command} is no Node: it printed '${path.slice(0, 100)}'`)
  return path
}

/** process.versions of the chosen Node. */
export function versionsOf(path: string): Readonly<Record<string, string>> {
  // The cast: Node prints its own process.versions.
  return JSON.parse(execFileSync(path, ['-p', 'JSON.stringify(process.versions)'], { encoding: 'utf8' })) as Record<
    string,
    string
  >
}
