// A folder that is brought once for all test files, which run side by side: whoever is first puts it in place, whole.
import { existsSync, renameSync, rmSync } from 'node:fs'

/** `bring` fills the folder it is given. */
export function broughtFolder(folder: string, bring: (fresh: string) => void): string {
  if (existsSync(folder)) return folder
  const fresh = `${folder}.${process.pid}`
  bring(fresh)
  try {
    renameSync(fresh, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    // Another test file was quicker.
    rmSync(fresh, { recursive: true, force: true })
  }
  return folder
}
