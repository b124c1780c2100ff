// What a schema registry can do wrong, as errors, and the rule that no secret is ever in one. Pure, main thread.
// Invariant: what the registry's side sent (messages, network errors) passes `scrub` before it becomes part of a context.
import { IngestError } from '../errors.ts'

/** Who is asking; null: nobody in particular. */
export type RegistryAuth =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }

/** Value of the header Authorization (RFC 7617, RFC 6750). */
export function authorization(auth: RegistryAuth): string {
  if (auth.kind === 'bearer') return `Bearer ${auth.token}`
  return `Basic ${Buffer.from(`${auth.user}:${auth.password}`, 'utf8').toString('base64')}`
}

/** Foreign text in one line, bounded, and without any form of the secret that a server may send back. */
export function scrub(text: string, auth: RegistryAuth | null): string {
  const secrets = auth === null ? [] : [authorization(auth).replace(/^\w+ /, ''), secretOf(auth)]
  let clean = text
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '***')
  return clean.replace(/\s+/g, ' ').slice(0, 300)
}

const secretOf = (auth: RegistryAuth): string => (auth.kind === 'bearer' ? auth.token : auth.password)

/** The registry cannot be asked now: nothing is known about the schema. */
export const unavailable = (context: RegistryContext): IngestError =>
  new IngestError('REGISTRY_UNAVAILABLE', { ...context })

/** Every address answered, and none as a schema registry answers to us: waiting does not help. */
export const refused = (context: RegistryContext): IngestError => new IngestError('REGISTRY_REFUSED', { ...context })

interface RegistryContext {
  readonly url: string
  readonly request: string
  readonly reason: string
}
