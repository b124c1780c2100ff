// All routes of a config file, and what is wrong or remarkable between them: an entry that no topic can reach, two that lead into one
// table, topics that several fit. Pure. Invariant: the first entry that fits a topic is its route, whatever follows.
import { type DocumentNode, placeText } from '../config-document.ts'
import type { EffectiveConfig } from '../setting.ts'
import { RouteReader } from './route-reader.ts'
import type { RouteRule } from './route-rule.ts'
import { commonTopic, covers, patternText } from './route-topics.ts'

export interface ReadRoutes {
  readonly rules: readonly RouteRule[]
  readonly settings: EffectiveConfig['routes']
  /** What is allowed, and may be meant otherwise. */
  readonly notes: readonly string[]
}

const ROUTES_MAX = 1000

/** Reads `routes`; problems are added to the list. `overruled`: keys of options that a flag or a variable gives for all routes. */
export function readRoutes(node: DocumentNode, overruled: ReadonlySet<string>, problems: string[]): ReadRoutes {
  const none: ReadRoutes = { rules: [], settings: [], notes: [] }
  if (node.kind !== 'list' || node.items.length === 0 || node.items.length > ROUTES_MAX) {
    problems.push(
      `${placeText(node.place)}: routes must be a list of 1 to ${ROUTES_MAX} routes, each with topics and table`,
    )
    return none
  }
  const rules: RouteRule[] = []
  const settings: Array<EffectiveConfig['routes'][number]> = []
  const notes: string[] = []
  for (const [index, item] of node.items.entries()) {
    const path = `routes[${index}]`
    if (item.kind !== 'map') {
      problems.push(`${placeText(item.place)}: ${path} must hold topics and table`)
      continue
    }
    const read = new RouteReader(path, item.place, overruled, problems).read(item)
    settings.push({ path, settings: read.settings })
    if (read.rule === null) continue
    const at = `${placeText(item.place)}: ${path}`
    problems.push(...conflictsWith(rules, read.rule).map((text) => `${at} ${text}`))
    notes.push(...overlapsWith(rules, read.rule).map((text) => `${at} ${text}`))
    rules.push(read.rule)
  }
  return { rules, settings, notes }
}

function conflictsWith(earlier: readonly RouteRule[], rule: RouteRule): readonly string[] {
  const problems: string[] = []
  const takers = rule.topics.map((mine) =>
    earlier.find((other) => other.topics.some((pattern) => covers(pattern, mine))),
  )
  if (takers.every((taker) => taker !== undefined)) {
    const names = [...new Set(takers.map((taker) => taker?.path ?? ''))]
    problems.push(`is never reached: ${names.join(', ')} ${names.length === 1 ? 'takes' : 'take'} every topic of it`)
  }
  for (const other of earlier) {
    const [mine, theirs] = [rule.table, other.table]
    if (mine === theirs) {
      problems.push(`leads into ${mine}, as ${other.path} does: name the topics of both in one route, or two tables`)
    } else if (mine === `${theirs}_dead_letters` || theirs === `${mine}_dead_letters`) {
      problems.push(`leads into ${mine}, and ${other.path} into ${theirs}: one holds the dead letters of the other`)
    }
  }
  return problems
}

function overlapsWith(earlier: readonly RouteRule[], rule: RouteRule): readonly string[] {
  const notes: string[] = []
  for (const other of earlier) {
    const shared = rule.topics.flatMap((mine) => other.topics.map((theirs) => commonTopic(theirs, mine)))
    const topic = shared.find((each) => each !== null)
    if (topic !== undefined && topic !== null) {
      notes.push(`fits ${topic} as well, which goes to ${other.path}: the first route that fits a topic has it`)
    }
    if (mayBeSame(rule.table, other.table)) {
      notes.push(`may lead into the table of ${other.path} (${other.table}), which stops the run where a topic does so`)
    }
  }
  const unclear = rule.topics.find(
    (mine) =>
      mine.kind === 'expression' && earlier.some(({ topics }) => topics.some(({ kind }) => kind === 'expression')),
  )
  if (unclear !== undefined) {
    notes.push(
      `has ${patternText(unclear)} behind another expression: only the topics there are show which of them fit both`,
    )
  }
  return notes
}

/** Whether captures could make one name of two. */
function mayBeSame(one: string, other: string): boolean {
  if (one === other || (!one.includes('{') && !other.includes('{'))) return false
  const asPattern = (table: string): RegExp =>
    new RegExp(`^${table.replace(/[.-]/g, '\\$&').replace(/\{\w+\}/g, '[\\w-]+')}$`)
  const plain = (table: string): string => table.replace(/\{\w+\}/g, 'x')
  return asPattern(one).test(plain(other)) || asPattern(other).test(plain(one))
}
