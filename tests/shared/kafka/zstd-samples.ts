// Contents for tests of the zstd decoder, made by rule, so that only their compressed frames need be kept (zstd-frames.json).

function noise(): () => number {
  let seed = 1
  return () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return seed / 2 ** 32
  }
}

const byteNoise = (): (() => number) => {
  const random = noise()
  return () => random() * 256
}

const bytes = (count: number, byte: (i: number) => number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => byte(i))

function text(lines: number): Uint8Array {
  const random = noise()
  return Buffer.from(
    Array.from({ length: lines }, (_, i) => `{"id":${i},"price":${Math.floor(random() * 100)}}`).join('\n'),
  )
}

/** Each takes another way through the format. */
export const zstdSamples: Readonly<Record<string, () => Uint8Array>> = {
  empty: () => new Uint8Array(0),
  'one byte': () => Uint8Array.of(65),
  'noise, a raw block': () => bytes(600, byteNoise()),
  'zeros, blocks of one byte': () => new Uint8Array(300_000),
  'few symbols, Huffman alone': () => {
    const random = noise()
    return bytes(1500, () => random() * random() * 12)
  },
  'text, one stream of literals': () => text(20),
  'text, four streams': () => text(300),
  'several blocks that repeat tables': () => Buffer.concat(Array.from({ length: 40 }, (_, i) => text(250 + (i % 3)))),
  'long matches far back': () =>
    Buffer.concat([bytes(700, byteNoise()), new Uint8Array(200_000), bytes(700, byteNoise())]),
}
