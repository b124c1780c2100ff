// The frame of every command: reads the words, prints help, version or problems, starts the command, and turns what it throws
// into one clear line and an exit code: 0 done, 1 failed, 2 wrong usage. Main thread; cli.ts gives it the process.
import { commandNames } from '../shared/command-table.ts'
import { type Config, type ConfigInput, readConfig, type Written } from '../shared/config.ts'
import type { ConfigDocument } from '../shared/config-document.ts'
import { IngestError } from '../shared/errors.ts'
import type { ComputedDefault } from '../shared/option-row.ts'
import { type Invocation, readArguments } from './arguments.ts'
import {
  type CommandIo,
  type CommandLoaders,
  describeError,
  errorLine,
  jsonLine,
  type StartedCommand,
} from './command.ts'
import { renderCommandHelp, renderHelp } from './terminal/help.ts'
import { styleFor } from './terminal/style.ts'

export interface CommandLineInput {
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly computed: Readonly<Record<ComputedDefault, string>>
  /** Text of a file; throws where it cannot be read. */
  readonly readFile: (path: string) => string
  readonly loaders: CommandLoaders
  readonly io: CommandIo
}

/** Exit code of one call of k2. */
export async function runCommandLine(input: CommandLineInput): Promise<number> {
  const { io } = input
  if (input.words.length === 0) {
    io.err.write(renderHelp(commandNames, io.err))
    return 2
  }
  const invocation = readArguments(input.words)
  switch (invocation.kind) {
    case 'version':
      io.out.write(`k2 ${io.version}\n`)
      return 0
    case 'help': {
      const [only, ...others] = invocation.commands
      const isOne = only !== undefined && others.length === 0
      io.out.write(isOne ? renderCommandHelp(only, io.out) : renderHelp(invocation.commands, io.out))
      return 0
    }
    case 'refused':
      return refuse(input, 'k2', invocation.problems)
    case 'command':
      return startCommand(invocation, input)
  }
}

async function startCommand(
  invocation: Extract<Invocation, { kind: 'command' }>,
  input: CommandLineInput,
): Promise<number> {
  const { command, flags } = invocation
  const file = await readConfigFile(flags, input)
  const written = { flags, environment: input.environment, file: file.root, computed: input.computed }
  const before = [...invocation.problems, ...file.problems]
  if (command === 'config check') return checkConfig(written, before, input)
  const result = readConfig(command, written)
  const problems = [...before, ...(result.kind === 'refused' ? result.problems : [])]
  if (result.kind === 'refused' || problems.length > 0) return refuse(input, `k2 ${command}`, problems)
  return runCommand(command, result.config, input)
}

/** k2 config check: what a run would go by, and everything that keeps it from it. Exit 2 where there is a problem. */
async function checkConfig(written: ConfigInput, before: readonly string[], input: CommandLineInput): Promise<number> {
  const { io, words } = input
  const result = readConfig('run', written)
  const problems = [...before, ...(result.kind === 'refused' ? result.problems : [])]
  const { renderConfigCheck, configCheckDocument } = await import('./terminal/config-check.ts')
  const found = { problems, notes: result.notes, effective: result.effective }
  const isJson = result.kind === 'config' ? result.config.json : words.includes('--json')
  io.out.write(isJson ? jsonLine(configCheckDocument(found)) : renderConfigCheck(found, styleFor(io.out)))
  return problems.length === 0 ? 0 : 2
}

const noFile: ConfigDocument = { root: null, problems: [] }

async function readConfigFile(flags: readonly Written[], input: CommandLineInput): Promise<ConfigDocument> {
  const path = flags.find((flag) => flag.key === 'config')?.text ?? input.environment['K2_CONFIG']
  if (path === undefined || path === '') return noFile
  let text: string
  try {
    text = input.readFile(path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { root: null, problems: [`--config ${path} cannot be read: ${reason}`] }
  }
  // Loaded only where there is a file: help and flags answer sooner without.
  const { readConfigDocument } = await import('../shared/config-document.ts')
  return readConfigDocument(text, path, input.environment)
}

async function runCommand<C extends StartedCommand>(
  command: C,
  config: Config<C>,
  input: CommandLineInput,
): Promise<number> {
  try {
    const run = await input.loaders[command]()
    return await run(config, input.io)
  } catch (error) {
    if (!(error instanceof IngestError)) throw error
    input.io.err.write(errorLine(error))
    if ('json' in config && config.json === true) input.io.out.write(jsonLine({ error: describeError(error) }))
    return 1
  }
}

/** All problems on stderr; for a program that asked for --json also as a document. */
function refuse({ io, words }: CommandLineInput, command: string, problems: readonly string[]): number {
  const head = problems.length === 1 ? '' : `${problems.length} problems\n  `
  io.err.write(`${command}: ${head}${problems.join('\n  ')}\nsee ${command} --help\n`)
  if (words.includes('--json')) {
    const error = new IngestError('USAGE', { command })
    io.out.write(jsonLine({ error: { ...describeError(error), problems } }))
  }
  return 2
}
