// Compiles a TypeScript script of the tests, with what it imports, for a child process: Node 20 does not run TypeScript.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const repository = fileURLToPath(new URL('../../../', import.meta.url))

/** Path of the compiled script, in a fresh folder under node_modules so that packages are found. Takes about a second. */
export async function compileScript(script: URL): Promise<{ readonly path: string; readonly folder: string }> {
  const path = fileURLToPath(script)
  const cache = join(repository, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'k2-script-'))
  const options = [
    ['--ignoreConfig'],
    ['--outDir', folder],
    ['--rootDir', repository],
    ['--module', 'nodenext'],
    ['--target', 'es2023'],
    ['--types', 'node'],
    ['--strict'],
    ['--skipLibCheck'],
    ['--rewriteRelativeImportExtensions'],
    ['--verbatimModuleSyntax'],
  ].flat()
  const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc')
  await promisify(execFile)(process.execPath, [compiler, path, ...options], { cwd: repository })
  return { path: join(folder, relative(repository, path).replace(/\.ts$/, '.js')), folder }
}
