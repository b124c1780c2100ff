// Figure `batch-walk`: what every record passes before it is decoded: CRC-32C, batch header, cursor. Its reference is a plain copy
// of the same bytes, the least that anything which touches them must cost.
import { batchBody, HEADER_BYTES, isBatchIntact, readBatchHeader } from '../../src/shared/kafka/record-batch.ts'
import { RecordCursor } from '../../src/shared/kafka/record-cursor.ts'
import { type BenchOptions, type Figure, measurePair, rateFigure } from '../figure.ts'
import { batchesOf, recordCountOf, sampleSlices } from '../sample.ts'

export async function batchWalk(options: BenchOptions): Promise<readonly Figure[]> {
  const slices = await sampleSlices(options, 'none')
  const records = recordCountOf(slices)
  const batches = [...batchesOf(slices)]
  const cursor = new RecordCursor()
  const target = new Uint8Array(Math.max(...slices.map(({ bytes }) => bytes.length)))
  let bytesSeen = 0

  const walk = (): void => {
    let walked = 0
    for (const { bytes, at } of batches) {
      const header = readBatchHeader(bytes, at)
      if (header === null || !isBatchIntact(bytes, at, header)) throw new Error('the sample is damaged')
      cursor.reset(batchBody(bytes, at, header), header.recordCount, header.lastOffsetDelta)
      while (cursor.next()) walked++
      bytesSeen += header.length - HEADER_BYTES
    }
    if (walked !== records) throw new Error(`${walked} of ${records} records walked`)
  }
  const copy = (): void => {
    for (const { bytes } of slices) target.set(bytes)
  }
  const pair = await measurePair(options.runs * 5, walk, copy)
  if (bytesSeen === 0) throw new Error('nothing was walked')
  const referenceName = 'a plain copy of the same bytes'
  return [rateFigure({ name: 'batch-walk', unit: 'records/s', amount: records, records, referenceName, pair })]
}
