// What an ingest is started with: the options of `k2 run` as plain values, so that the demo and the bench start the same line.

import type { TableName } from '../../shared/iceberg/catalog.ts'
import type { TombstonePolicy, UnknownSchemaPolicy } from '../../shared/messages.ts'
import type { GapAcceptance, Start, Topics } from '../../shared/option-values.ts'
import type { EncoderPreference } from '../../shared/parquet/encoder-choice.ts'
import type { RouteRule } from '../../shared/routes/route-rule.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import type { RegistryAddress } from '../registry/open-registry.ts'
import type { RecordBudget } from './record-slices.ts'

/** How a process takes part in its consumer group. */
export interface GroupMember {
  readonly sessionTimeoutMs: number
  /** The name under which it is started again; null: none. */
  readonly instanceId: string | null
}

/** Where records come from. */
export type SourceAddress =
  | { readonly kind: 'directory'; readonly path: string }
  | ({ readonly kind: 'brokers'; readonly connection: KafkaConnection } & GroupMember)

export interface IngestOptions extends RegistryAddress {
  readonly source: SourceAddress
  readonly topics: Topics
  readonly catalogFile: string
  readonly warehouse: string
  readonly table: TableName | null
  /** Entries of the config file; none: `table`, or the rule of a topic's name. */
  readonly routes: readonly RouteRule[]
  readonly group: string
  readonly start: Start
  readonly untilEnd: boolean
  /** Whose lost offsets are given up; null: nobody's. */
  readonly acceptGap: GapAcceptance | null
  /** Null: no limit. */
  readonly budget: RecordBudget | null
  /** Records per second; null: as fast as it goes. */
  readonly throttle: number | null
  readonly batchSize: number
  readonly commitBytes: number
  readonly commitIntervalMs: number
  readonly chunkRows: number
  readonly chunkBytes: number
  readonly queueBytes: number
  readonly workers: number
  readonly parquetEncoder: EncoderPreference
  readonly tombstone: TombstonePolicy
  readonly unknownSchema: UnknownSchemaPolicy
  /** Dead letters without a row that a topic may begin with before it is held; 0: any number. */
  readonly allBadMax: number
  readonly partitionWindowFirstUs: string
  readonly partitionWindowAheadMs: number
  readonly kafkaKey: boolean
  readonly kafkaHeaders: boolean
  readonly decompressedBytesMax: number
}
