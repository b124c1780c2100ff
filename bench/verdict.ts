// What the figures of a bench are worth: compared with the stored baseline by ratio, never by absolute values, and with the gates.
// Pure. Invariant: a machine twice as slow has the same verdict.
import { type Figure, type Gate, isKept } from './figure.ts'

/** A ratio below this share of its baseline's is a regression. */
export const REGRESSION_SHARE = 0.85

/** Ratios by the name of their figure. */
export type Baseline = Readonly<Record<string, number>>

export type Problem =
  | { readonly kind: 'regression'; readonly figure: string; readonly ratio: number; readonly baseline: number }
  | { readonly kind: 'gate'; readonly figure: string; readonly gate: Gate }

/** Everything that makes a bench fail, in the order of the figures. A figure without a baseline has nothing to fall below. */
export function findProblems(figures: readonly Figure[], baseline: Baseline): readonly Problem[] {
  return figures.flatMap((figure): readonly Problem[] => {
    const gates = figure.gates
      .filter((gate) => !isKept(gate))
      .map((gate): Problem => ({ kind: 'gate', figure: figure.name, gate }))
    const before = baseline[figure.name]
    if (before === undefined || figure.ratio === null || figure.ratio >= before * REGRESSION_SHARE) return gates
    return [{ kind: 'regression', figure: figure.name, ratio: figure.ratio, baseline: before }, ...gates]
  })
}

/** Errors: a text where the document is no object of numbers by name. */
export function parseBaseline(json: string): Baseline {
  const document: unknown = JSON.parse(json)
  const ratios = typeof document === 'object' && document !== null && 'ratios' in document ? document.ratios : null
  if (typeof ratios !== 'object' || ratios === null) throw new Error('bench/baseline.json has no ratios')
  return Object.fromEntries(
    Object.entries(ratios).map(([name, ratio]: [string, unknown]) => {
      if (typeof ratio !== 'number' || !(ratio > 0))
        throw new Error(`bench/baseline.json: ratio of ${name} is no number`)
      return [name, ratio]
    }),
  )
}
