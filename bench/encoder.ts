// The encoder that K2 takes on the Node of the bench, by the product's own choice: pages of its own where Node has native zstd.
import { chooseEncoder } from '../src/shared/parquet/encoder-choice.ts'
import { PageEncoder } from '../src/shared/parquet/page-encoder.ts'
import type { ParquetEncoder } from '../src/shared/parquet/parquet-encoder.ts'
import { standardProperties } from '../src/shared/parquet/parquet-properties.ts'
import { ParquetWasmEncoder } from '../src/shared/parquet/parquet-wasm-encoder.ts'

/** Whether it writes pages itself. */
export const isDirect = chooseEncoder('auto', standardProperties).kind === 'direct'

export const openEncoder = (): ParquetEncoder =>
  isDirect ? new PageEncoder(standardProperties) : new ParquetWasmEncoder(standardProperties)
