// One setting of an effective configuration: its key, its value as a config file would hold it, and where it came from. Pure data.
// Invariant: a value that may be a secret is never in it.

export type SettingValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'map'; readonly entries: ReadonlyArray<readonly [string, string]> }
  /** Set, and not to be shown. */
  | { readonly kind: 'hidden' }

export interface Setting {
  /** Key of the config file. */
  readonly key: string
  readonly value: SettingValue
  /** `--workers`, `K2_WORKERS`, `k2.yaml:3:10` or `default`. */
  readonly from: string
}

/** An effective configuration: what a run would go by. */
export interface EffectiveConfig {
  readonly settings: readonly Setting[]
  /** Per entry of `routes`; what an entry leaves open is as the settings say. */
  readonly routes: ReadonlyArray<{ readonly path: string; readonly settings: readonly Setting[] }>
}
