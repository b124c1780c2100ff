// Reads our own source for the tidy test: blanks what is no code, finds functions and imports. Right for code that biome has
// formatted (a block ends at the first closing line of its own indentation), not for any TypeScript.

export interface FoundFunction {
  /** Counted from 1. */
  readonly line: number
  readonly lines: number
}

/** The same text with comments, the insides of strings, templates and regular expressions blanked; lines stay lines. */
export function blankNonCode(text: string): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=(?:[(,=:[!&|?{};]|=>|return)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g
  return text.replace(token, (found) => found.replace(/[^\n]/g, ' '))
}

/** Where a body begins: a declaration, an arrow, a method, or the last line of a head of several lines. */
const OPENS =
  /^(?:export )?(?:default )?(?:async )?function\b|=>.*[{([]$|^(?:static |async |get |set )*[#\w]+(?:<.*>)?\(.*\{$|^\).*\{$/
const KEYWORD = /^(?:if|for|while|switch|catch|do|else|return|try)\b/

/** Functions with a body of several lines. */
export function findFunctions(text: string): readonly FoundFunction[] {
  const lines = blankNonCode(text)
    .split('\n')
    .map((line) => line.trimEnd())
  return lines.flatMap((line, index) => {
    const code = line.trimStart()
    if (!OPENS.test(code) || KEYWORD.test(code)) return []
    const indent = line.slice(0, line.length - code.length)
    const length = lines.slice(index + 1).findIndex((later) => closes(later, indent))
    return length === -1 ? [] : [{ line: index + 1, lines: length + 2 }]
  })
}

/** `}`, `})`, `),` … of this indentation; `}: {` and `) {` go on with the head of the function. */
const closes = (line: string, indent: string): boolean =>
  line.startsWith(indent) && /^[})\]]/.test(line.slice(indent.length)) && !/[{([]$/.test(line)

/** Module specifiers of a file, and whether only types come from there. */
export function findImports(text: string): ReadonlyArray<{ readonly from: string; readonly typeOnly: boolean }> {
  const statements = text.matchAll(/^(?:import|export)\b(\s+type\b)?[^'"`;]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'/gm)
  // A package that is asked for its files counts as one that is imported.
  const dynamic = text.matchAll(/\b(?:import|createRequire\(import\.meta\.url\)\.resolve)\('([^']+)'\)/g)
  return [
    ...[...statements].map((match) => ({ from: match[2] ?? match[3] ?? '', typeOnly: match[1] !== undefined })),
    ...[...dynamic].map((match) => ({ from: match[1] ?? '', typeOnly: false })),
  ]
}
