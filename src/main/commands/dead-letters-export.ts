// k2 dead-letters export: dead letters as JSON lines, to stdout or into files that rotate. Main thread; reads tables only.
import type { Config } from '../../shared/config.ts'
import { letterDocument } from '../../shared/letters/dead-letter.ts'
import { readLetters } from '../../shared/letters/read-letters.ts'
import { type CommandIo, jsonLine } from '../command.ts'
import { RotatingFiles } from '../export/rotating-files.ts'
import { filterOf, mapLetters } from '../letter-tables.ts'
import { openProgressLine } from '../terminal/progress.ts'
import { formatNumber } from '../terminal/style.ts'

/** Errors: EXPORT_NOT_WRITABLE; those of reading. */
export async function deadLettersExportCommand(config: Config<'dead-letters export'>, io: CommandIo): Promise<number> {
  const progress = openProgressLine(io.err)
  let count = 0
  const files = config.outDir === null ? null : rotating(config, config.outDir)
  try {
    await mapLetters(config, io, async (pinned, store) => {
      for await (const { heads, bodies } of readLetters(store, pinned, filterOf(config))) {
        for (const letter of await bodies(heads)) {
          const line = JSON.stringify({ table: pinned.table, ...letterDocument(letter) })
          if (files === null) io.out.write(`${line}\n`)
          else await files.write(line)
          count++
          // A reader that is slower than we are must not fill the memory.
          await io.out.drained?.()
        }
        if (files !== null) progress.showText(`${formatNumber(count)} dead letters written`)
      }
    })
    await files?.finish()
  } finally {
    progress.clear()
  }
  if (files === null) return 0
  if (config.json) {
    io.out.write(jsonLine({ dead_letters: count, files: files.finished }))
    return 0
  }
  for (const { path, lines, bytes } of files.finished) {
    io.out.write(`${path}  ${formatNumber(lines)} dead letters, ${formatNumber(bytes)} bytes\n`)
  }
  if (files.finished.length === 0) io.out.write('no dead letters\n')
  return 0
}

const rotating = ({ rotateBytes, rotateAgeMs }: Config<'dead-letters export'>, directory: string): RotatingFiles =>
  new RotatingFiles({
    directory,
    prefix: 'dead-letters',
    bytesMax: rotateBytes,
    ageMsMax: rotateAgeMs,
    now: Date.now,
  })
