// What the command line hands to a command, and what a command is. Main thread. Commands print through `io` and never touch
// process.stdout, the environment or the exit code themselves, so that a test can be their terminal.
import type { CommandName } from '../shared/command-table.ts'
import type { Config } from '../shared/config.ts'
import { errorTable, type IngestError } from '../shared/errors.ts'

export interface Output {
  write(text: string): void
  /** Resolves once what was written no longer waits for a slow reader; absent where nothing ever waits. */
  drained?(): Promise<void>
  readonly isTerminal: boolean
  readonly columns: number
  /** A terminal whose user has not set NO_COLOR. */
  readonly color: boolean
}

/** Standard input. */
export interface Input {
  readonly isTerminal: boolean
  /** All of it. */
  text(): Promise<string>
  /** Lines that a person types, with a prompt before each; ends with Ctrl-D. */
  lines(prompt: () => string): AsyncIterable<string>
}

export interface CommandIo {
  readonly out: Output
  readonly err: Output
  readonly version: string
  readonly input?: Input
  /** Asks the person at the terminal; absent where there is none. */
  readonly ask?: (question: string) => Promise<string>
}

/** Resolves to the exit code: 0 done, 1 failed. Throws IngestError for what the world can do; anything else is a bug. */
export type Command<C extends CommandName> = (config: Config<C>, io: CommandIo) => Promise<number>

/** A command that is started with its config; the other one looks at what was written, right or wrong. */
export type StartedCommand = Exclude<CommandName, 'config check'>

/** Loads a command's code only when it is called, so that `k2 --help` answers at once. */
export type CommandLoaders = { readonly [C in StartedCommand]: () => Promise<Command<C>> }

/** The JSON document of --json, on one line; 64-bit numbers as decimal strings. */
export const jsonLine = (document: unknown): string =>
  `${JSON.stringify(document, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))}\n`

/** The one line on stderr. */
export const errorLine = (error: IngestError): string => `k2: ${error.message}\n`

/** An error for programs: code and context as they are, texts as printed. */
export function describeError(error: IngestError): object {
  const { code, context, action } = error
  const { text, help } = errorTable[code]
  return { code, action, text, context, cause: error.cause instanceof Error ? error.cause.message : null, help }
}
