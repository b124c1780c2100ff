// The partitioner of Java producers and of KafkaJS: murmur2 of the key, its sign bit cleared, modulo the partitions
// (Kafka, org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner). Pure.

const seed = 0x9747b28c
const factor = 0x5bd1e995
const shift = 24

/** Signed 32-bit murmur2 of `key`. */
export function murmur2(key: Uint8Array): number {
  const wordsEnd = key.length - (key.length % 4)
  let hash = seed ^ key.length
  for (let at = 0; at < wordsEnd; at += 4) {
    let word = byteAt(key, at) | (byteAt(key, at + 1) << 8) | (byteAt(key, at + 2) << 16) | (byteAt(key, at + 3) << 24)
    word = Math.imul(word, factor)
    word ^= word >>> shift
    hash = Math.imul(hash, factor) ^ Math.imul(word, factor)
  }
  if (wordsEnd < key.length) {
    for (let at = key.length - 1; at >= wordsEnd; at--) hash ^= byteAt(key, at) << (8 * (at - wordsEnd))
    hash = Math.imul(hash, factor)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, factor)
  return hash ^ (hash >>> 15)
}

/** Partition that a Java producer chooses for `key`. */
export const partitionFor = (key: Uint8Array, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0
