// How `k2 services` looks: a table of servers, and the options of `k2 run` to paste. Pure: string ← data.
import { flagOf } from '../../shared/option-row.ts'
import { optionsOf } from '../../shared/options.ts'
import { S3_BUCKET, s3Credentials } from '../services/s3-service.ts'
import type { ServiceStatus } from '../services/services.ts'
import type { Style } from './style.ts'
import { renderTable } from './table.ts'

const COLUMNS = ['Service', 'State', 'Address', 'pid', 'Log'].map((title) => ({ title, align: 'left' }) as const)

export function renderServices(statuses: readonly ServiceStatus[], style: Style): string {
  const rows = statuses.map(({ service, state, address, log }) => [
    service,
    state.kind,
    address,
    'pid' in state ? String(state.pid) : '',
    log,
  ])
  const reasons = statuses.flatMap(({ service, state, log }) => {
    if (state.kind === 'unhealthy') return [`${service} is not well: ${state.reason}`]
    return state.kind === 'died' ? [`${service} ended by itself; its last words are in ${log}`] : []
  })
  const options = runOptions(statuses)
  const paste = options.length === 0 ? [] : ['', `${style.bold('For k2 run')}   ${options.join(' ')}`]
  const s3 = statuses.some(({ service, state }) => service === 's3' && state.kind === 'healthy')
    ? [
        `${style.bold('For S3')}       bucket ${S3_BUCKET}, access key ${s3Credentials.accessKey}, secret ${s3Credentials.secretKey}`,
      ]
    : []
  return renderTable(COLUMNS, rows) + [...reasons.map(style.red), ...paste, ...s3, ''].join('\n')
}

/** Of the servers that are well. */
export function runOptions(statuses: readonly ServiceStatus[]): readonly string[] {
  const flags: Readonly<Record<string, string>> = { kafka: '--brokers', registry: '--registry' }
  return statuses.flatMap(({ service, state, address }) => {
    const flag = flags[service]
    const isKnown = optionsOf('run').some((row) => flagOf(row) === flag)
    return flag === undefined || !isKnown || state.kind !== 'healthy' ? [] : [flag, address]
  })
}

export const serviceDocument = ({ service, title, state, address, log }: ServiceStatus): object => ({
  service,
  title,
  state: state.kind,
  pid: 'pid' in state ? state.pid : null,
  reason: state.kind === 'unhealthy' ? state.reason : null,
  address,
  log,
})
