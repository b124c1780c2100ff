// What `k2 config check` prints: problems, notes, and the effective configuration as a config file. Pure: string ← data.
import type { EffectiveConfig } from '../../shared/setting.ts'
import { effectiveDocument, renderEffectiveConfig } from './effective-config.ts'
import type { Style } from './style.ts'

interface ConfigFound {
  readonly problems: readonly string[]
  readonly notes: readonly string[]
  readonly effective: EffectiveConfig
}

/** Everything but the configuration itself is a comment: the output is a config file. */
export function renderConfigCheck({ problems, notes, effective }: ConfigFound, style: Style): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return [
    ...(problems.length === 0 ? [style.green('# no problems')] : [style.red(`# ${count}`)]),
    ...problems.map((problem) => style.red(`#   ${problem}`)),
    ...notes.map((note) => `#   note: ${note}`),
    '',
    style.dim('# effective configuration of k2 run'),
    renderEffectiveConfig(effective),
  ].join('\n')
}

export const configCheckDocument = ({ problems, notes, effective }: ConfigFound): object => ({
  ok: problems.length === 0,
  problems,
  notes,
  effective: effectiveDocument(effective),
})
