// One partition of a log directory as it stands: its segments and where it ends, looked at again on `refresh`. Any thread.
// Invariant: a view is immutable, so that a reader that began on one sees a fixed end while the log grows.
import { IngestError } from '../errors.ts'
import { listSegments, type PartitionFolder, readLogStart, type Segment, startsFile } from './log-directory.ts'
import { type LogTail, readTail, type TailStart, walkHeaders } from './log-tail.ts'
import { SegmentFile } from './segment-file.ts'

export interface LogView {
  readonly folder: PartitionFolder
  readonly segments: readonly Segment[]
  /** Of the last segment. */
  readonly tail: LogTail
  /** First offset that is still there to be read; the first segment may begin before it. */
  readonly logStart: bigint
  /** Offset after the last whole batch. */
  readonly logEnd: bigint
  /**
   * As `logEnd`, or where the earliest transaction begins that is known to be open: those that begin in an earlier segment than
   * the last one at the first look are only found by a reader that gets there.
   */
  readonly stableEnd: bigint
}

export class PartitionLog {
  readonly folder: PartitionFolder
  #view: LogView | null = null

  constructor(folder: PartitionFolder) {
    this.folder = folder
  }

  /** Looks at the files again; what was walked before is not walked again. Errors: SOURCE_UNREADABLE, SOURCE_CORRUPT. */
  async refresh(): Promise<LogView> {
    const before = this.#view
    // Before the segments: a start never lies beyond the end that the log had by then.
    const moved = await readLogStart(this.folder)
    const segments = await listSegments(this.folder.path)
    const tail = await this.#readTail(segments, before)
    const logStart = laterOf(segments[0]?.baseOffset ?? 0n, moved)
    if (logStart > tail.nextOffset) throw tail.damage ?? startBeyondEnd(logStart, tail.nextOffset)
    let stableEnd = tail.nextOffset
    for (const offset of tail.open.values()) if (offset < stableEnd) stableEnd = offset
    this.#view = { folder: this.folder, segments, tail, logStart, logEnd: tail.nextOffset, stableEnd }
    return this.#view
  }

  async #readTail(segments: readonly Segment[], before: LogView | null): Promise<LogTail> {
    const last = segments.at(-1)
    if (last === undefined) return { size: 0, endByte: 0, nextOffset: 0n, damage: null, open: new Map() }
    const known = before?.segments.at(-1)
    let index = segments.findIndex((segment) => segment.baseOffset === known?.baseOffset)
    if (index < 0 || before === null) return SegmentFile.with(last.path, (file) => readTail(file, startOf(last)))
    let start: TailStart = before.tail
    for (; index < segments.length; index++) {
      const segment: Segment = segments[index] ?? last
      if (segment === last) return SegmentFile.with(last.path, (file) => continueTail(file, last, start, before.tail))
      // The log has rolled since: what was appended to its former last segment first.
      const from = start
      const walked = await SegmentFile.with(segment.path, async (file) => walkHeaders(file, from, await file.size()))
      const next: Segment = segments[index + 1] ?? last
      start = { endByte: 0, nextOffset: laterOf(walked.nextOffset, next.baseOffset), open: walked.open }
    }
    throw new Error('unreachable: the last segment ends the loop')
  }
}

async function continueTail(file: SegmentFile, last: Segment, start: TailStart, before: LogTail): Promise<LogTail> {
  const size = await file.size()
  if (start === before && size === before.size) return before
  return readTail(file, size < start.endByte ? startOf(last) : start)
}

/** A broker deletes such a log when it starts: the checkpoint is of another one, or the log lost its end. */
const startBeyondEnd = (logStart: bigint, logEnd: bigint): IngestError =>
  new IngestError('SOURCE_CORRUPT', { file: startsFile, logStart, logEnd, reason: 'log starts beyond its end' })

const startOf = (segment: Segment): TailStart => ({ endByte: 0, nextOffset: segment.baseOffset, open: new Map() })
const laterOf = (a: bigint, b: bigint): bigint => (a > b ? a : b)

/** Bytes of a segment that hold batches. Errors: SOURCE_UNREADABLE. */
export async function segmentEnd(view: LogView, index: number, file: SegmentFile): Promise<number> {
  return index === view.segments.length - 1 ? view.tail.endByte : file.size()
}

/** Adds topic and partition to an error about this log's files. */
export function placeError(folder: PartitionFolder, error: unknown): unknown {
  if (!(error instanceof IngestError)) return error
  const { topicName, partition } = folder
  return new IngestError(error.code, { topic: topicName, partition, ...error.context }, error.cause)
}
