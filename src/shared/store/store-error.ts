// What an error of the file system means for a store. Pure, any thread.
import { type ErrorCode, IngestError } from '../errors.ts'

export type StoreOperation = 'put' | 'read' | 'size' | 'delete'

const fullCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** Waiting does not help: the place is wrong, or not ours to write. */
const refusedCodes: ReadonlySet<string> = new Set([
  'EACCES',
  'EROFS',
  'EPERM',
  'ENOTDIR',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EXDEV',
])

/** An error of node:fs as an IngestError naming the location; an IngestError passes through. */
export function storeError(error: unknown, operation: StoreOperation, location: string): IngestError {
  if (error instanceof IngestError) return error
  return new IngestError(storeErrorCode(errnoOf(error), operation), { operation, location }, error)
}

export function storeErrorCode(errno: string, operation: StoreOperation): ErrorCode {
  if (operation === 'read' || operation === 'size') {
    return errno === 'ENOENT' || errno === 'ENOTDIR' ? 'STORE_MISSING' : 'STORE_IO'
  }
  if (errno === 'EEXIST') return 'STORE_EXISTS'
  if (fullCodes.has(errno)) return 'STORE_FULL'
  return refusedCodes.has(errno) ? 'STORE_NOT_WRITABLE' : 'STORE_IO'
}

/** `ENOENT` and the like, '' for anything else. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
