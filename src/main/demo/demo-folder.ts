// The folder of a demo. Main thread. Invariant: it deletes only inside a folder that holds its own marker file, and no server that
// an earlier demo left running there loses its data under its feet: it is ended first.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { IngestError } from '../../shared/errors.ts'
import { servicesDown } from '../services/services.ts'

const MARKER = '.k2-demo'
export const SERVICES = 'services'

/** Starts afresh, but only in an empty folder or one that an earlier demo made. Errors: DEMO_FOLDER, SERVICE_STOP. */
export async function prepareFolder(dir: string, keep: boolean): Promise<void> {
  const found = await readdir(dir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw new IngestError('DEMO_FOLDER', { dir }, error)
  })
  if (found.length > 0 && !found.includes(MARKER)) throw new IngestError('DEMO_FOLDER', { dir })
  if (found.includes(SERVICES)) await endServers(join(dir, SERVICES))
  try {
    if (!keep) await rm(dir, { recursive: true, force: true })
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, MARKER), 'Made by k2 demo, which deletes this folder when it starts afresh.\n')
  } catch (error) {
    throw new IngestError('DEMO_FOLDER', { dir }, error)
  }
}

/** All servers of a folder that are there. Errors: SERVICE_STATE, SERVICE_STOP. */
export async function endServers(folder: string): Promise<void> {
  await servicesDown({
    folder: resolve(folder),
    ...{ cache: '', only: null, ports: {}, readyMsMax: 0 },
    notice: () => undefined,
  })
}
