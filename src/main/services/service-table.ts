// The servers of `k2 services`, in the order in which they are named. Main thread.
import { type ServiceName, serviceNames } from '../../shared/service-names.ts'
import { catalogService } from './catalog-service.ts'
import { kafkaService } from './kafka-service.ts'
import { redisService } from './redis-service.ts'
import { registryService } from './registry-service.ts'
import { s3Service } from './s3-service.ts'
import type { Runtimes, Service } from './service.ts'

export const serviceTable = (machine: Runtimes): Readonly<Record<ServiceName, Service>> => ({
  kafka: kafkaService,
  redis: redisService(machine),
  registry: registryService(machine),
  catalog: catalogService,
  s3: s3Service,
})

/** Those of `--only`, or all, in the order of the table. */
export const chosenServices = (
  table: Readonly<Record<ServiceName, Service>>,
  only: readonly ServiceName[] | null,
): readonly Service[] => serviceNames.filter((name) => only === null || only.includes(name)).map((name) => table[name])
