// Asks a schema registry over HTTP (Confluent's REST API): addresses in turn, retries with a deadline, bounded answers. Main thread.
// Invariant: "the registry does not know it" is only said where a registry said so itself, by its own error code: a proxy's 404, an
// answer cut short or a server that is down never is.
import { setTimeout as sleep } from 'node:timers/promises'
import { authorization, type RegistryAuth, refused, scrub, unavailable } from './http-registry-errors.ts'
import { fetchBounded } from './http-registry-fetch.ts'

export interface RegistryClientOptions {
  /** Base addresses of one registry, without credentials; paths like /apis/ccompat/v7 belong to them. */
  readonly urls: readonly string[]
  readonly auth: RegistryAuth | null
  /** Of one request to one address. */
  readonly requestMsMax: number
  /** Of one question, over all addresses and tries. */
  readonly deadlineMs: number
  readonly answerBytesMax: number
  /** Monotonic, ms. */
  readonly now: () => number
  /** From 0 to 1: spreads the retries of many processes. */
  readonly random: () => number
  /** Ends waiting and requests. */
  readonly stop: AbortSignal
  /** Told of each request, for whoever counts them. */
  readonly asked?: (outcome: Outcome['kind']) => void
}

export interface RegistryQuestion {
  readonly method: 'GET' | 'POST'
  /** Below the base address, its parts percent-encoded. */
  readonly path: string
  /** JSON of a POST; every POST of ours may be sent twice. */
  readonly body: string | null
  /** Without waiting: each address once. */
  readonly patience: 'once' | 'deadline'
}

/** What a registry said; `url` is who did. */
export type RegistryAnswer =
  | { readonly kind: 'found'; readonly url: string; readonly json: unknown }
  | { readonly kind: 'unknown'; readonly url: string }
  /** A registration that the subject's compatibility rule, or the registry's Avro parser, does not allow. */
  | { readonly kind: 'rejected'; readonly url: string; readonly reason: string }

/** Of one request: an answer, an address without one (waiting may help), or one that is set up wrongly (it will not). */
type Outcome =
  | RegistryAnswer
  | { readonly kind: 'down'; readonly url: string; readonly reason: string }
  | { readonly kind: 'wrong'; readonly url: string; readonly reason: string }

/** A try that is begun gets this long, also right before the deadline: cut short it would hide what the registry says. */
const TRY_MS_MIN = 1000
const BACKOFF_MS_FIRST = 200
const BACKOFF_MS_MAX = 5000
/** Subject, version and schema not found (Confluent's error codes). */
const NOT_FOUND: ReadonlySet<unknown> = new Set([40401, 40402, 40403])

export class RegistryClient {
  readonly #options: RegistryClientOptions
  /** Index of the address that answered last. */
  #preferred = 0

  constructor(options: RegistryClientOptions) {
    this.#options = options
  }

  /**
   * Errors: REGISTRY_UNAVAILABLE where no address answered in time; REGISTRY_REFUSED where all did, but not as a registry that
   * lets us in.
   */
  async ask(question: RegistryQuestion): Promise<RegistryAnswer> {
    const { now, random, deadlineMs, stop } = this.#options
    const endMs = now() + deadlineMs
    for (let tries = 0; ; tries++) {
      const round = await this.#round(question, endMs)
      if (round.kind !== 'down' && round.kind !== 'wrong') return round
      const { url, reason } = round
      const context = { url, request: `${question.method} ${question.path}`, reason }
      if (round.kind === 'wrong') throw refused(context)
      const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** tries) * (0.5 + random() / 2)
      if (question.patience === 'once' || stop.aborted || now() + waitMs >= endMs) throw unavailable(context)
      await sleep(waitMs, undefined, { signal: stop }).catch(() => undefined)
    }
  }

  /** Each address once, the last good one first. An id unknown to one is asked of the others: a follower may lag behind. */
  async #round(question: RegistryQuestion, endMs: number): Promise<Outcome> {
    const { urls, stop } = this.#options
    let unknown: Outcome | null = null
    let down: Outcome | null = null
    let wrong: Outcome | null = null
    const first = this.#preferred
    for (let step = 0; step < urls.length && !stop.aborted; step++) {
      const index = (first + step) % urls.length
      const outcome = await this.#request(question, urls[index] ?? '', endMs)
      this.#options.asked?.(outcome.kind)
      switch (outcome.kind) {
        case 'found':
        case 'rejected':
          this.#preferred = index
          return outcome
        case 'unknown':
          if (unknown === null) this.#preferred = index
          unknown ??= outcome
          break
        case 'down':
          down ??= outcome
          break
        case 'wrong':
          wrong ??= outcome
      }
    }
    return unknown ?? down ?? wrong ?? { kind: 'down', url: urls[first] ?? '', reason: 'stopping' }
  }

  async #request(question: RegistryQuestion, url: string, endMs: number): Promise<Outcome> {
    const { auth, requestMsMax, answerBytesMax, now, stop } = this.#options
    const timeoutMs = Math.ceil(Math.min(requestMsMax, Math.max(TRY_MS_MIN, endMs - now())))
    const result = await fetchBounded({
      method: question.method,
      url: `${url}${question.path}`,
      body: question.body,
      authorization: auth === null ? null : authorization(auth),
      bytesMax: answerBytesMax,
      signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
    })
    if (result.kind !== 'answer') return { kind: result.kind, url, reason: scrub(result.reason, auth) }
    return judge(result.status, result.text, url, (text) => scrub(text, auth))
  }
}

/** What a status and a body mean. 408, 429 and 5xx pass by themselves; a success that is no JSON is somebody else's page. */
function judge(status: number, text: string, url: string, clean: (text: string) => string): Outcome {
  const json = parse(text)
  if (status >= 200 && status < 300) {
    return json === undefined ? { kind: 'down', url, reason: 'answer is not JSON' } : { kind: 'found', url, json }
  }
  const { code, message } = errorOf(json)
  const reason = clean(`status ${status}${code === null ? '' : `, error code ${code}`}${message}`)
  if (status === 404 && NOT_FOUND.has(code)) return { kind: 'unknown', url }
  if (status === 409 || status === 422) return { kind: 'rejected', url, reason }
  return { kind: status >= 500 || status === 408 || status === 429 ? 'down' : 'wrong', url, reason }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `{"error_code": 40403, "message": "…"}`. */
function errorOf(json: unknown): { readonly code: number | null; readonly message: string } {
  if (typeof json !== 'object' || json === null) return { code: null, message: '' }
  const code = 'error_code' in json && typeof json.error_code === 'number' ? json.error_code : null
  const message = 'message' in json && typeof json.message === 'string' ? `: ${json.message}` : ''
  return { code, message }
}
