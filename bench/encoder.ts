// The encoder that K2 uses on the Node of the bench.
import type { ParquetEncoder } from '../src/shared/parquet/parquet-encoder.ts'
import { ParquetWasmEncoder } from '../src/shared/parquet/parquet-wasm-encoder.ts'

export const openEncoder = (): ParquetEncoder => new ParquetWasmEncoder()
