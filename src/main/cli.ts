#!/usr/bin/env node
// Entry of the program `k2`: the only file that reads the environment and owns the exit code. Main thread.
// Commands are imported when called, so that help and refusals answer without loading the line.
import { readFileSync } from 'node:fs'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { CommandLoaders, Input, Output } from './command.ts'
import { runCommandLine } from './command-line.ts'

const loaders: CommandLoaders = {
  demo: async () => (await import('./commands/demo.ts')).demoCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  'feed csv': async () => (await import('./commands/feed.ts')).feedCsvCommand,
  'feed synthetic': async () => (await import('./commands/feed.ts')).feedSyntheticCommand,
  verify: async () => (await import('./commands/verify.ts')).verifyCommand,
  'positions show': async () => (await import('./commands/positions.ts')).positionsShowCommand,
  'positions set': async () => (await import('./commands/positions-change.ts')).positionsSetCommand,
  'positions adopt': async () => (await import('./commands/positions-change.ts')).positionsAdoptCommand,
  'tables show': async () => (await import('./commands/tables.ts')).tablesShowCommand,
  'tables plan': async () => (await import('./commands/tables-plan.ts')).tablesPlanCommand,
  'dead-letters list': async () => (await import('./commands/dead-letters.ts')).deadLettersListCommand,
  'dead-letters show': async () => (await import('./commands/dead-letters.ts')).deadLettersShowCommand,
  'dead-letters summary': async () => (await import('./commands/dead-letters.ts')).deadLettersSummaryCommand,
  'dead-letters export': async () => (await import('./commands/dead-letters-export.ts')).deadLettersExportCommand,
  'tables expire': async () => (await import('./commands/tables-expire.ts')).tablesExpireCommand,
  'tables list': async () => (await import('./commands/tables.ts')).tablesListCommand,
  'tables snapshots': async () => (await import('./commands/tables-look.ts')).tablesSnapshotsCommand,
  'tables files': async () => (await import('./commands/tables-look.ts')).tablesFilesCommand,
  'tables health': async () => (await import('./commands/tables-health.ts')).tablesHealthCommand,
  'dead-letters replay': async () => (await import('./commands/dead-letters-replay.ts')).deadLettersReplayCommand,
  query: async () => (await import('./commands/query.ts')).queryCommand,
  'services up': async () => (await import('./commands/services.ts')).servicesUpCommand,
  'services status': async () => (await import('./commands/services.ts')).servicesStatusCommand,
  'services down': async () => (await import('./commands/services.ts')).servicesDownCommand,
}

/** Of the installed package: this file is two folders below it, in src and in dist alike. */
const packagePath = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

function output(stream: NodeJS.WriteStream): Output {
  const isTerminal = stream.isTTY === true
  const { NO_COLOR, TERM } = process.env
  return {
    write: (text) => {
      stream.write(text)
    },
    drained: () => new Promise((done) => (stream.writableNeedDrain ? stream.once('drain', done) : done())),
    isTerminal,
    columns: isTerminal ? stream.columns : 100,
    color: isTerminal && (NO_COLOR ?? '') === '' && TERM !== 'dumb',
  }
}

/** A person can be asked where both ends are a terminal. */
function asking(): { readonly ask?: (question: string) => Promise<string> } {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return {}
  return {
    ask: async (question) => {
      const line = createInterface({ input: process.stdin, output: process.stderr })
      try {
        return await line.question(question)
      } finally {
        line.close()
      }
    },
  }
}

const input: Input = {
  isTerminal: process.stdin.isTTY === true,
  text: () => text(process.stdin),
  lines: async function* (prompt) {
    const reader = createInterface({ input: process.stdin, output: process.stderr, prompt: prompt() })
    // A terminal that is read letter by letter sends no signal for Ctrl-C.
    reader.on('SIGINT', () => process.emit('SIGINT', 'SIGINT'))
    try {
      reader.prompt()
      for await (const line of reader) {
        yield line
        reader.setPrompt(prompt())
        reader.prompt()
      }
    } finally {
      reader.close()
    }
  },
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(packagePath('package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

/** A reader that went away (`k2 … | head`) is no failure of ours. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const code = await runCommandLine({
  words: process.argv.slice(2),
  environment: process.env,
  computed: {
    cores: String(availableParallelism()),
    'shipped schemas': packagePath('schemas'),
    'shipped trades': packagePath('data/asx-2014-03'),
    // XDG Base Directory Specification.
    'user cache': join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'k2', 'services'),
  },
  readFile: (path) => readFileSync(path, 'utf8'),
  loaders,
  io: { out: output(process.stdout), err: output(process.stderr), version: readVersion(), input, ...asking() },
})
// Not process.exitCode: a handle somebody forgot must not keep a finished command alive. Both streams are flushed first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
