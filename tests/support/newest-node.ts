// Node 24 from the npm package `node`: it has zstd, and runs TypeScript as it stands.
import { tmpdir } from 'node:os'
import { runProgram } from './built-k2.ts'

/** Path of the program; npx keeps what it once installed. */
export async function newestNode(): Promise<string> {
  const asked = ['-y', '-p', 'node@24', 'node', '-p', 'process.execPath']
  const { code, out, err } = await runProgram('npx', asked, { cwd: tmpdir() })
  if (code !== 0) throw new Error(`tests need node@24 from npm: ${err}`)
  return out.trim()
}
