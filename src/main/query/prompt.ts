// The prompt of `k2 query`: statements of several lines, ended by a semicolon, one after the other. Main thread. A statement that fails
// is told and the prompt goes on; each statement sees the tables as they are then.
import { IngestError } from '../../shared/errors.ts'
import { macroSignatures } from '../../shared/query/trade-macros.ts'
import { type CommandIo, errorLine } from '../command.ts'

const HELP = `SQL of DuckDB, ended by ; — SHOW TABLES; DESCRIBE <table>; <table>_snapshots, <table>_refs and <table>_files are tables, too.
Each statement stands alone. Macros on trades: ${Object.values(macroSignatures).join(', ')}
.help shows this, .quit or Ctrl-D ends.
`

/** A line of the prompt, and what it makes of the lines before. */
export type PromptStep =
  | { readonly kind: 'more'; readonly text: string }
  | { readonly kind: 'run'; readonly sql: string }
  | { readonly kind: 'help' | 'quit' | 'nothing' }

export function nextStep(before: string, line: string): PromptStep {
  const word = line.trim().toLowerCase()
  if (before === '') {
    if (word === '') return { kind: 'nothing' }
    if (/^(?:\.q|\.quit|\.exit|quit|exit)\s*;?$/.test(word)) return { kind: 'quit' }
    if (/^(?:\.help|\.h|help|\?)\s*;?$/.test(word)) return { kind: 'help' }
    if (/^\.tables$/.test(word)) return { kind: 'run', sql: 'SHOW ALL TABLES;' }
  }
  const text = before === '' ? line : `${before}\n${line}`
  return word.endsWith(';') ? { kind: 'run', sql: text } : { kind: 'more', text }
}

/** Until the person ends it. Errors: USAGE where there is nobody to ask. */
export async function promptLoop(io: CommandIo, run: (sql: string) => Promise<void>): Promise<number> {
  const { input } = io
  if (input === undefined) throw new IngestError('QUERY_INPUT', { reason: 'no query, and no terminal to ask at' })
  let text = ''
  io.err.write(HELP)
  for await (const line of input.lines(() => (text === '' ? 'k2> ' : '  > '))) {
    const step = nextStep(text, line)
    text = step.kind === 'more' ? step.text : ''
    if (step.kind === 'quit') break
    if (step.kind === 'help') io.err.write(HELP)
    if (step.kind !== 'run') continue
    try {
      await run(step.sql)
    } catch (error) {
      if (!(error instanceof IngestError)) throw error
      io.err.write(errorLine(error))
    }
  }
  return 0
}
