// Compiles into a folder of its own, which takes the place of dist/ only when it is whole: no file of an earlier build stays, a build
// that fails leaves the program as it was, and what runs meanwhile finds its files.
import { spawnSync } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const fresh = `dist.${process.pid}`
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], { stdio: 'inherit' })
if (status === 0) {
  rmSync('dist', { recursive: true, force: true })
  renameSync(fresh, 'dist')
} else {
  rmSync(fresh, { recursive: true, force: true })
}
process.exit(status ?? 1)
