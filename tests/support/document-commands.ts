// The commands of a document's sh blocks, to be run as a reader would. Ports that the document writes may be taken on this machine, and
// test files run side by side: such ports are exchanged for free ones, in the commands and for the servers alike.
import { isPortFree } from '../../src/main/services/ports.ts'
import { defaultPorts, portNames } from '../../src/shared/service-names.ts'
import { freePort } from './free-port.ts'

export interface CodeBlock {
  /** What stands behind the opening fence. */
  readonly language: string
  readonly text: string
}

/** The fenced blocks of a document, in its order. */
export const codeBlocks = (text: string): readonly CodeBlock[] =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', block = '']) => ({ language, text: block }))

export const linesOf = ({ text }: CodeBlock): readonly string[] => text.split('\n').filter((line) => line !== '')

export const shCommands = (text: string): readonly string[] =>
  codeBlocks(text)
    .filter(({ language }) => language === 'sh')
    .flatMap(linesOf)

export interface DocumentPorts {
  /** For `k2 services up`. */
  readonly env: Readonly<Record<string, string>>
  /** The command with ports that are free here. */
  readonly placed: (command: string) => string
}

/** `as written`: but for ports that are taken now. One test file only may have them; the others take `others`. */
export async function documentPorts(wanted: 'as written' | 'others'): Promise<DocumentPorts> {
  const ports: Record<string, number> = { ...defaultPorts }
  for (const name of portNames) {
    if (wanted === 'others' || !(await isPortFree(defaultPorts[name]))) ports[name] = await freePort()
  }
  return {
    env: { K2_PORTS: portNames.map((name) => `${name}=${ports[name]}`).join(',') },
    placed: (command) =>
      portNames.reduce((text, name) => text.replaceAll(`:${defaultPorts[name]}`, `:${ports[name]}`), command),
  }
}
