// Which of the two Parquet encoders writes the files of a table. Pure, any thread: the coordinator says it in the log, the encode
// workers do it. Invariant: the same answer on every thread of a process.
import { isCodecWritable } from './page-compression.ts'
import type { ParquetProperties } from './parquet-properties.ts'

/** `auto`: pages of our own wherever this Node can compress them. */
export const encoderPreferences = ['auto', 'direct', 'wasm'] as const
export type EncoderPreference = (typeof encoderPreferences)[number]

export type EncoderChoice =
  | { readonly kind: 'direct' }
  /** `reason`: why it is not the faster one; null where it was asked for. */
  | { readonly kind: 'wasm'; readonly reason: string | null }

export function chooseEncoder(preference: EncoderPreference, { codec }: ParquetProperties): EncoderChoice {
  if (preference === 'wasm') return { kind: 'wasm', reason: null }
  // Asked for by name, it fails by name where it cannot compress.
  if (preference === 'direct' || isCodecWritable(codec)) return { kind: 'direct' }
  return { kind: 'wasm', reason: `Node ${process.versions.node} has no ${codec}; Node from 22.15 on writes it itself` }
}
