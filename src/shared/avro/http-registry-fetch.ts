// One HTTP request by Node's fetch, its answer bounded in time, bytes and redirects. Main thread.
// Invariant: credentials go to the origin they were given for and to no other: a redirect elsewhere is not followed.

export interface BoundedRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly body: string | null
  readonly authorization: string | null
  readonly bytesMax: number
  readonly signal: AbortSignal
}

export type BoundedAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  /** No whole answer: refused, timed out, cut off. */
  | { readonly kind: 'down'; readonly reason: string }
  /** An answer that asking again will not change. */
  | { readonly kind: 'wrong'; readonly reason: string }

const REDIRECTS_MAX = 3
const accept = 'application/vnd.schemaregistry.v1+json, application/json'

/** Never throws. */
export async function fetchBounded(request: BoundedRequest): Promise<BoundedAnswer> {
  const headers: Record<string, string> = { accept }
  if (request.authorization !== null) headers['authorization'] = request.authorization
  if (request.body !== null) headers['content-type'] = 'application/vnd.schemaregistry.v1+json'
  const { method, body, signal } = request
  try {
    let url = new URL(request.url)
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      const response = await fetch(url, { method, headers, body, signal, redirect: 'manual' })
      if (response.status < 300 || response.status > 399) return await readBody(response, request.bytesMax)
      await response.body?.cancel()
      const location = response.headers.get('location') ?? ''
      if (location === '' || !URL.canParse(location, url.href)) {
        return { kind: 'wrong', reason: `status ${response.status} without a place to go on` }
      }
      const next = new URL(location, url)
      if (next.origin !== url.origin)
        return { kind: 'wrong', reason: `it redirects to ${next.origin}; name that instead` }
      // Only 307 and 308 keep method and body (RFC 9110, section 15.4).
      if (method !== 'GET' && response.status !== 307 && response.status !== 308) {
        return { kind: 'wrong', reason: `status ${response.status} to a ${method}` }
      }
      url = next
    }
    return { kind: 'wrong', reason: `more than ${REDIRECTS_MAX} redirects` }
  } catch (error) {
    return { kind: 'down', reason: reasonOf(error) }
  }
}

/** The body as far as the limit; what is longer is no schema. */
async function readBody(response: Response, bytesMax: number): Promise<BoundedAnswer> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    // Leaving the loop cancels the rest.
    if (bytes > bytesMax) return { kind: 'wrong', reason: `answer longer than ${bytesMax} bytes` }
    parts.push(part)
  }
  return { kind: 'answer', status: response.status, text: Buffer.concat(parts).toString('utf8') }
}

/** fetch hides what happened in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const detail = cause instanceof Error ? cause.message : ''
  return [error.message, code, detail].filter((part) => part !== '').join(': ')
}
