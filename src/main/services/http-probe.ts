// One HTTP request to a server of ours, its answer as text. Main thread.
const ANSWER_MS_MAX = 5000

export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

/** Rejects with the reason where nothing answers. */
export async function askHttp(url: string, request: RequestInit = {}): Promise<HttpAnswer> {
  try {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    return { status: answer.status, text: await answer.text() }
  } catch (error) {
    throw new Error(`${url}: ${reasonOf(error)}`)
  }
}

/** The parsed answer; rejects unless it is 200 and JSON. */
export async function askJson(url: string, request: RequestInit = {}): Promise<unknown> {
  const { status, text } = await askHttp(url, request)
  if (status !== 200) throw new Error(`${url} answers ${status}: ${text.slice(0, 200)}`)
  return JSON.parse(text)
}

/** `fetch failed` says nothing; what it failed of is the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message
}
