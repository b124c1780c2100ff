// Names the segment file in an error about a record batch that a worker met: workers see bytes, people need the file. Main thread.
import { IngestError } from '../../shared/errors.ts'
import { listPartitions, listSegments } from '../../shared/kafka/log-directory.ts'

/** The error with the file that holds its record batch, where one can be found; any other error as it is. */
export async function withSegment(directory: string, error: unknown): Promise<unknown> {
  if (!(error instanceof IngestError) || 'file' in error.context) return error
  const { topic, partition, batch } = error.context
  if (batch === undefined || typeof batch === 'boolean') return error
  try {
    const folders = await listPartitions(directory)
    const folder = folders.find((one) => one.topicName === topic && one.partition === partition)
    const segments = folder === undefined ? [] : await listSegments(folder.path)
    const segment = segments.findLast((one) => one.baseOffset <= BigInt(batch))
    if (segment === undefined) return error
    return new IngestError(error.code, { ...error.context, file: segment.path }, error.cause)
  } catch {
    // The error that there is matters more than one of the search for its file.
    return error
  }
}
