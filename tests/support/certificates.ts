// An authority of one test and the certificates that it signs, by openssl, in a folder that the caller removes. All are PEM, as
// Kafka and Node take them. Invariant: keys are made anew each time, and valid for a day.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from './built-k2.ts'

const settings = `[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[leaf]
subjectAltName = IP:127.0.0.1
extendedKeyUsage = serverAuth, clientAuth
`
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export interface Certificate {
  /** Files. */
  readonly cert: string
  readonly key: string
}

export class Authority {
  /** File of its own certificate. */
  readonly cert: string
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
    this.cert = join(folder, 'authority.pem')
  }

  static async make(folder: string): Promise<Authority> {
    mkdirSync(folder, { recursive: true })
    const authority = new Authority(folder)
    writeFileSync(join(folder, 'openssl.cnf'), settings)
    const made = ['-x509', '-days', '1', '-extensions', 'authority', '-keyout', 'authority.key', '-out', authority.cert]
    await authority.#openssl('req', ...newKey, ...made, '-subj', '/CN=authority of a test', '-config', 'openssl.cnf')
    return authority
  }

  /** For 127.0.0.1, and no other name. */
  async sign(name: string): Promise<Certificate> {
    const [cert, key, asked] = ['pem', 'key', 'csr'].map((end) => join(this.#folder, `${name}.${end}`))
    if (cert === undefined || key === undefined || asked === undefined) throw new Error('three files')
    const subject = ['-subj', `/CN=${name}`, '-config', 'openssl.cnf']
    await this.#openssl('req', ...newKey, '-keyout', key, '-out', asked, ...subject)
    const by = ['-CA', this.cert, '-CAkey', 'authority.key', '-CAcreateserial', '-days', '1']
    const extensions = ['-extfile', 'openssl.cnf', '-extensions', 'leaf']
    await this.#openssl('x509', '-req', '-in', asked, '-out', cert, ...by, ...extensions)
    return { cert, key }
  }

  async #openssl(...words: readonly string[]): Promise<void> {
    const { code, err } = await runProgram('openssl', words, { cwd: this.#folder })
    if (code !== 0) throw new Error(`openssl ${words[0]}: ${err}`)
  }
}

/** Key and chain in one file, as Kafka wants them. */
export const bundle = (leaf: Certificate, authority: Authority): string =>
  [leaf.key, leaf.cert, authority.cert].map((file) => readFileSync(file, 'utf8')).join('')
