// Locations of files on this machine's file system ↔ paths. Pure, any thread.
// A location is spelled as Iceberg's readers take it: `file://` and the path as it is. Percent signs are part of the name (a
// partition folder may hold `%2F`): Java and pyiceberg do not decode them, so neither does this.
import { resolve } from 'node:path'

/** Path of a location: `file:///a`, `file:/a` (as Java prints it) or a plain absolute path. Null for anything else. */
export function pathOfLocation(location: string): string | null {
  const local =
    /^file:(?:\/\/(?:localhost)?)?(\/(?!\/).*)$/.exec(location)?.[1] ?? (location.startsWith('/') ? location : null)
  return local === null || local.includes('\0') ? null : resolve(local)
}

/** Location of a path; a relative one counts from the working directory. */
export const locationOfPath = (path: string): string => `file://${resolve(path)}`
