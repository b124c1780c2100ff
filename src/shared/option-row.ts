// What a row of the options table says, and the three spellings of an option's name. Pure.
import type { CommandName } from './command-table.ts'

/** How a value is written and what it becomes; see option-values.ts. */
type OptionKind =
  | { readonly kind: 'string' | 'path' | 'boolean' | 'topics' | 'brokers' | 'urls' | 'start' | 'catalog' | 'table' }
  /** `9464`, `0.0.0.0:9464`: an address to listen on. */
  | { readonly kind: 'listen' }
  /** Never shown again. */
  | { readonly kind: 'secret' | 'registry-auth' }
  /** Becomes µs since 1970 as a decimal string, under `<name>Us`. */
  | { readonly kind: 'instant' }
  /** A UTC time, or how long ago. */
  | { readonly kind: 'since' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  /** `64KiB`, `16MB`; becomes bytes. */
  | { readonly kind: 'bytes'; readonly min: number; readonly max: number }
  /** `250ms`, `10s`; becomes ms, under `<name>Ms`. Bounds in ms. */
  | { readonly kind: 'duration'; readonly min: number; readonly max: number }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  /** Some of the values, comma-separated. */
  | { readonly kind: 'list'; readonly values: readonly string[] }
  /** A UTC time, a tag or branch, or a snapshot id. */
  | { readonly kind: 'as-of' }
  /** A name of the IANA time zone database. */
  | { readonly kind: 'timezone' }
  /** Partition numbers, comma-separated. */
  | { readonly kind: 'partitions' }
  /** `all`, or partitions like `trades/0`, comma-separated. */
  | { readonly kind: 'gaps' }
  /** As `start`, or one offset for all. */
  | { readonly kind: 'position' }
  /** Entries of the config file, which have a shape of their own (src/shared/routes): no flag and no variable. */
  | { readonly kind: 'routes' }
  /** `kafka=29092,redis=0`: a port for some of the values. */
  | { readonly kind: 'ports'; readonly values: readonly string[] }

/** Defaults that depend on the machine or on where K2 is installed; the command line supplies them. */
export type ComputedDefault = 'cores' | 'shipped schemas' | 'shipped trades' | 'user cache'

export type OptionRow = OptionKind & {
  /** Key in the Config, camelCase; the flag is its kebab-case, the variable its K2_UPPER_CASE. */
  readonly name: string
  readonly commands: readonly CommandName[]
  readonly group: 'Where' | 'How much' | 'Commits' | 'Records' | 'Resources' | 'Output'
  /** What it does, lower case, no full stop. */
  readonly text: string
  /** As a user would write it. Without one and not required: null in the Config (booleans: false). */
  readonly default?: string
  readonly computed?: ComputedDefault
  /** What the flag means without a value. */
  readonly bare?: string
  readonly required?: true
  /** A word without a flag is its value. */
  readonly isPositional?: true
  readonly unit?: string
  /** Options that contradict this one. */
  readonly conflicts?: readonly string[]
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
/** `batchSize` → `batch-size`: the key of the config file, and with two dashes the flag. */
export const keyOf = (row: OptionRow): string => kebab(row.name)
export const flagOf = (row: OptionRow): string => `--${kebab(row.name)}`
/** `batchSize` → `K2_BATCH_SIZE`. */
export const variableOf = (row: OptionRow): string => `K2_${kebab(row.name).replaceAll('-', '_').toUpperCase()}`
