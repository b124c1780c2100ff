// The transaction log line as a person reads it; as JSON it is written by log.ts. Pure.
import type { Transaction } from '../../shared/messages.ts'
import { formatNumber, type Style } from './style.ts'

export function renderTransaction(transaction: Transaction, style: Style): string {
  const { transaction_duration_ms, ...fields } = transaction
  const pairs = Object.entries(fields).map(([key, value]) => `  ${key}=${value === null ? 'none' : value}`)
  const duration = `  transaction_duration_ms=${formatNumber(transaction_duration_ms, 2)}`
  return `${[style.bold('Iceberg transaction committed'), ...pairs, duration].join('\n')}\n`
}
