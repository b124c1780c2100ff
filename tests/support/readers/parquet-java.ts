// parquet-java as a reader process.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { folderOfJars } from './maven-folder.ts'
import { ReaderProcess } from './reader-process.ts'

const shipped = fileURLToPath(new URL('./parquet-java/', import.meta.url))

/** Java 17 or newer compiles the one source file by itself. Jars: about ten seconds the first time, 70 MB. */
export async function startParquetJava(): Promise<ReaderProcess> {
  const folder = await folderOfJars('parquet-java', join(shipped, 'pom.xml'))
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
