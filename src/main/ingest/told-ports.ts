// The ports of a route, told of: each slice read, each chunk encoded, each commit. Main thread; a few object properties per slice.
// Invariant: what goes through is what came in, in the same order.
import type { Tell } from './ingest-facts.ts'
import type { RoutePorts } from './pipeline.ts'
import type { RecordBatches } from './record-source.ts'

export function toldPorts(ports: RoutePorts, route: string, tell: Tell): RoutePorts {
  const { source } = ports
  return {
    ...ports,
    source: {
      epoch: source.epoch,
      revoked: source.revoked,
      confirm: () => source.confirm(),
      acknowledge: (positions, mark) => source.acknowledge(positions, mark),
      read: (positions, signal) => toldSlices(source.read(positions, signal), route, tell),
    },
    encode: async (slices, context) => {
      const encoded = await ports.encode(slices, context)
      tell({ kind: 'chunk encoded', route, encoded })
      return encoded
    },
    commit: async (group) => {
      tell({ kind: 'commit begun', route })
      const reply = await ports.commit(group)
      tell({ kind: 'commit ended', route, outcome: reply.kind })
      return reply
    },
  }
}

async function* toldSlices(
  slices: AsyncIterable<RecordBatches>,
  route: string,
  tell: Tell,
): AsyncGenerator<RecordBatches, void, undefined> {
  for await (const slice of slices) {
    tell({ kind: 'slice read', route, slice })
    yield slice
  }
}
