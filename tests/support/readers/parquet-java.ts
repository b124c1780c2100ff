// parquet-java as a reader process. Its jars come from Maven into the user's cache, once; a folder under its final name is whole.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../built-k2.ts'
import { ReaderProcess } from './reader-process.ts'

const shipped = fileURLToPath(new URL('./parquet-java/', import.meta.url))
const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'k2', 'readers')

/** Takes about ten seconds the first time, 70 MB. Throws an Error that says what Maven did not like. */
async function folderOfJars(): Promise<string> {
  const pom = join(shipped, 'pom.xml')
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
  const folder = join(cache, `parquet-java-${hash.slice(0, 8)}`)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}.unfinished`
  try {
    await mkdir(unfinished, { recursive: true })
    await copyFile(pom, join(unfinished, 'pom.xml'))
    // `-U` asks again for what was refused once: Maven remembers that for a day.
    const words = ['-q', '-B', '-U', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib']
    const { code, out, err } = await runProgram('mvn', words, { cwd: unfinished })
    if (code !== 0) throw new Error(`tests need parquet-java from Maven: ${out} ${err}`)
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return folder
}

/** Java 17 or newer compiles the one source file by itself. */
export async function startParquetJava(): Promise<ReaderProcess> {
  const folder = await folderOfJars()
  const classPath = join(folder, 'lib', '*')
  return new ReaderProcess('java', [
    '-Xmx512m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-cp',
    classPath,
    join(shipped, 'ReadParquet.java'),
  ])
}
