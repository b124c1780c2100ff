// Sizes, ages and counts for people: rounded, in the unit that fits. Programs get the exact numbers. Pure.
import { formatNumber } from './style.ts'

const SIZES: ReadonlyArray<readonly [unit: string, bytes: number]> = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
]

/** `1.2 MiB`, `512 MiB`, `17 B`. */
export function sizeText(bytes: number | bigint): string {
  const amount = Number(bytes)
  const [unit, scale] = SIZES.find(([, size]) => amount >= size) ?? ['B', 1]
  const scaled = amount / scale
  return `${scale === 1 || Number.isInteger(scaled) || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${unit}`
}

const AGES: ReadonlyArray<readonly [unit: string, ms: number]> = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]

/** `3 d 4 h`, `12 m`, `5 s`: the two largest units. A time that lies ahead (another machine's clock) is `0 s`. */
export function ageText(ms: number): string {
  let left = Math.max(0, ms)
  const parts: string[] = []
  for (const [unit, scale] of AGES) {
    const count = Math.floor(left / scale)
    left -= count * scale
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.length === 0 ? '0 s' : parts.join(' ')
}

/** `1 file`, `1,234 files`. */
export const counted = (amount: number | bigint, one: string): string =>
  `${formatNumber(amount)} ${one}${BigInt(amount) === 1n ? '' : 's'}`

/** `2026-01-13 08:00:00`, UTC. */
export const timeText = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, '')
