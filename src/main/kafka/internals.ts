// What K2 uses of kafkajs beyond its public interface, typed. Main thread. kafkajs is frozen upstream and pinned exactly; another
// version is refused here, before anything of it is replaced.
import { createRequire } from 'node:module'
import type { Kafka } from 'kafkajs'
import { IngestError } from '../../shared/errors.ts'
import type { FetchResponse, RawPartition } from './raw-fetch.ts'

/** A broker connection that sends any request: hand-made ones go over kafkajs's own, authenticated sockets. */
export interface Broker {
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null
  readonly connectionPool: {
    send(request: {
      readonly request: {
        readonly apiKey: number
        readonly apiVersion: number
        readonly apiName: string
        readonly encode: () => Promise<unknown>
      }
      readonly response: {
        /** An object: kafkajs looks for a throttle time on it. */
        readonly decode: (bytes: Buffer) => Promise<object>
        readonly parse: (decoded: unknown) => Promise<unknown>
      }
    }): Promise<unknown>
  }
}

/** The broker that keeps a group. */
export interface Coordinator extends Broker {
  /** The maker of a request in the newest version that broker and kafkajs know. */
  lookupRequest(apiKey: number, versions: object): (fields: object) => object
  leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
}

export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  findBroker(node: { readonly nodeId: number }): Promise<Broker>
  findGroupCoordinator(group: { readonly groupId: string }): Promise<Coordinator>
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[]
  readonly brokerPool: {
    findConnectedBroker(): Promise<Broker>
    /** Ms since 1970; null: at once. */
    metadataExpireAt: number | null
  }
}

/** A batch as kafkajs hands it on; `raw` is the stand-in message's, `k2Epoch` set by the replaced fetch. */
export interface GroupBatch {
  readonly topic: string
  readonly partition: number
  /** The offset that was asked for. */
  readonly fetchedOffset: string
  readonly messages: readonly { readonly raw?: RawPartition }[]
  lastOffset(): string
  k2Epoch?: number
}

interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** kafkajs's ConsumerGroup: one membership. */
export interface ConsumerGroup {
  readonly assigners: readonly object[]
  readonly cluster: Cluster
  readonly groupId: string
  /** Null: not a member yet, or none any more. */
  memberId: string | null
  /** Ms that the group waits for its members to join again. */
  readonly rebalanceTimeout: number
  getNodeIds(): readonly number[]
  resolveOffset(place: { readonly topic: string; readonly partition: number; readonly offset: string }): void
  assigned(): readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  seek(place: { readonly topic: string; readonly partition: number; readonly offset: string }): void
  pause(partitions: readonly TopicPartitions[]): void
  resume(partitions: readonly TopicPartitions[]): void
  joinAndSync(): Promise<void>
  leave(): Promise<void>
  fetch(nodeId: number): Promise<GroupBatch[]>
  recoverFromOffsetOutOfRange(error: { readonly topic: string; readonly partition: number }): Promise<void>
  readonly offsetManager: { nextOffset(topic: string, partition: number): { toString(): string } }
}

const require = createRequire(import.meta.url)
export const KAFKAJS_VERSION = '2.2.4'

// The casts below are the edge: kafkajs ships no types for these, and its version is checked first.
const { version } = require('kafkajs/package.json') as { version: string }
if (version !== KAFKAJS_VERSION) {
  throw new IngestError('BROKER_UNSUPPORTED', { reason: `kafkajs ${version}; K2 is built on ${KAFKAJS_VERSION}` })
}

export const consumerGroupPrototype = (
  require('kafkajs/src/consumer/consumerGroup') as { readonly prototype: ConsumerGroup }
).prototype

export const fetchV11 = require('kafkajs/src/protocol/requests/fetch/v11/response') as {
  decode: (bytes: Buffer) => Promise<FetchResponse>
}

const Encoder = require('kafkajs/src/protocol/encoder') as new () => { writeBuffer(bytes: Buffer): unknown }

/** A request body of ours as kafkajs wants it. */
export const encoded = (body: Buffer): unknown => new Encoder().writeBuffer(body)

/** An error that kafkajs neither tries again nor starts its consumer anew for. */
export const final = (error: IngestError): IngestError => Object.assign(error, { retriable: false })

interface ClusterOptions {
  readonly metadataMaxAge: number
  readonly allowAutoTopicCreation: false
}

/** A cluster of our own beside those of the consumers, so that looking at offsets does not end with a crashed consumer. */
export function createCluster(kafka: Kafka, options: ClusterOptions): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find((each) => each.description === 'private:Kafka:createCluster')
  const create: unknown = symbol === undefined ? undefined : Reflect.get(kafka, symbol)
  if (typeof create !== 'function') throw new IngestError('BROKER_UNSUPPORTED', { reason: 'kafkajs without a cluster' })
  return create(options) as Cluster
}
