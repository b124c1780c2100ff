// The frame of every command: reads the words, prints help, version or problems, starts the command, and turns what it throws
// into one clear line and an exit code: 0 done, 1 failed, 2 wrong usage. Main thread; cli.ts gives it the process.
import { type CommandName, commandNames } from '../shared/command-table.ts'
import { type Config, readConfig, type Written } from '../shared/config.ts'
import { IngestError } from '../shared/errors.ts'
import type { ComputedDefault } from '../shared/option-row.ts'
import { type Invocation, readArguments } from './arguments.ts'
import { type CommandIo, type CommandLoaders, describeError, errorLine, jsonLine } from './command.ts'
import { renderCommandHelp, renderHelp } from './terminal/help.ts'

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
  const file = readConfigFile(flags, input)
  const result = readConfig(command, {
    flags,
    environment: input.environment,
    file: file.kind === 'file' ? file : null,
    computed: input.computed,
  })
  const problems = [
    ...invocation.problems,
    ...(file.kind === 'problem' ? [file.problem] : []),
    ...(result.kind === 'refused' ? result.problems : []),
  ]
  if (result.kind === 'refused' || problems.length > 0) return refuse(input, `k2 ${command}`, problems)
  return runCommand(command, result.config, input)
}

type ConfigFile =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly path: string; readonly content: unknown }
  | { readonly kind: 'problem'; readonly problem: string }

function readConfigFile(flags: readonly Written[], input: CommandLineInput): ConfigFile {
  const path = flags.find((flag) => flag.key === 'config')?.text ?? input.environment['K2_CONFIG']
  if (path === undefined || path === '') return { kind: 'none' }
  try {
    return { kind: 'file', path, content: JSON.parse(input.readFile(path)) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'problem', problem: `--config ${path} cannot be read as JSON: ${reason}` }
  }
}

async function runCommand<C extends CommandName>(
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
