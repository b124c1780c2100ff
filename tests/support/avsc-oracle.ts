// The other end of avsc-oracle.mjs: asks the child process, one question at a time.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface AvscOracle {
  /** Each value, tagged as avsc-oracle.mjs reads it, encoded under the schema. */
  encode(schema: unknown, values: readonly unknown[]): Promise<Uint8Array[]>
  close(): void
}

export function startAvscOracle(): AvscOracle {
  const child = spawn(process.execPath, [fileURLToPath(new URL('avsc-oracle.mjs', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async encode(schema, values) {
      child.stdin.write(`${JSON.stringify({ schema, values })}\n`)
      const line = await lines.next()
      if (line.done) throw new Error('the oracle ended')
      const answer: { encoded?: string[]; error?: string } = JSON.parse(line.value)
      if (answer.encoded === undefined) throw new Error(answer.error)
      return answer.encoded.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))
    },
    close: () => child.kill(),
  }
}
