// Where the thread entries lie: beside this file's own build. Main thread. Worker threads of Node 20 run JavaScript only, so tests
// and bench run the built `dist`.

export type WorkerName = 'encode-worker' | 'commit-worker' | 'query-worker'

/** URL of a thread entry, with the extension this file itself runs with. */
export function workerUrl(name: WorkerName): URL {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  return new URL(`../workers/${name}${extension}`, import.meta.url)
}
