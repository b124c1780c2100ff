// Jars that readers of the tests need: from Maven into the user's cache, once. A folder under its final name is whole.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../built-k2.ts'

const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'k2', 'readers')

/** The folder, with `lib/`, of a pom's dependencies. Throws an Error that says what Maven did not like. */
export async function folderOfJars(name: string, pom: string): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
  const folder = join(cache, `${name}-${hash.slice(0, 8)}`)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}.unfinished`
  try {
    await mkdir(unfinished, { recursive: true })
    await copyFile(pom, join(unfinished, 'pom.xml'))
    // `-U` asks again for what was refused once: Maven remembers that for a day.
    const words = ['-q', '-B', '-U', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib']
    const { code, out, err } = await runProgram('mvn', words, { cwd: unfinished })
    if (code !== 0) throw new Error(`tests need ${name} from Maven: ${out} ${err}`)
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return folder
}
