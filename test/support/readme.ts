import ts from 'typescript'

/** One fenced block of a README that is run. */
export interface Fence {
  /** Behind `ts` in the info string. */
  readonly title: string
  /** Line of the first line of code, from 1. */
  readonly line: number
  readonly code: string
}

/** What calls itself TypeScript and is not `ts`, so would not be run. */
const ALIASES = /^(typescript|tsx|mts|cts)$/i

/** The `ts` fences of a Markdown text. Throws where one is excused from being run. */
export function fencesOf(markdown: string): Fence[] {
  const lines = markdown.split('\n')
  const fences: Fence[] = []
  for (let i = 0; i < lines.length; i++) {
    const open = /^(\s*)(`{3,}|~{3,})\s*([^`\s]*)[ \t]*([^`]*)$/.exec(lines[i]!)
    if (open === null) continue
    const [, indent = '', marks = '', language = '', title = ''] = open
    const first = i + 1
    for (i++; i < lines.length && !closes(lines[i]!, marks); i++);
    if (ALIASES.test(language)) throw new Error(`line ${first}: write ts for ${language}, so that it is run`)
    if (language !== 'ts') continue
    if (/\bno-?run\b/.test(title))
      throw new Error(`line ${first}: a ts fence is run; use another language for what cannot be`)
    const code = lines.slice(first, i).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    fences.push({ title: title.trim(), line: first + 1, code: code.join('\n') })
  }
  return fences
}

function closes(line: string, marks: string): boolean {
  const text = line.trim()
  return text.length >= marks.length && text === marks[0]!.repeat(text.length)
}

/**
 * The code with every `expression // => literal` made into a call of `claim(expression, literal, line)`. A constant may be declared in
 * place of the expression. Lines keep their numbers. Throws where a claim stands behind anything else, or claims no literal.
 */
export function withClaims(code: string, claim: string): string {
  const source = ts.createSourceFile('readme.ts', code, ts.ScriptTarget.ES2022, true)
  const edits: { at: number; end: number; text: string }[] = []
  const claimed = new Set<number>()
  const visit = (node: ts.Node): void => {
    for (const { pos, end } of ts.getTrailingCommentRanges(code, node.end) ?? []) {
      const literal = /^\/\/ => (.+)$/.exec(code.slice(pos, end))?.[1]
      const subject = subjectOf(node, source)
      if (literal === undefined || subject === undefined || claimed.has(pos)) continue
      claimed.add(pos)
      const call = `;${claim}((${subject.text}), (${checkedLiteral(literal)}), ${lineOf(source, pos)});`
      edits.push({ at: subject.replaces ? node.getStart(source) : node.end, end: node.end, text: call })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  for (const match of code.matchAll(/\/\/ =>/g)) {
    if (!claimed.has(match.index))
      throw new Error(`line ${lineOf(source, match.index)}: a claim must follow an expression`)
  }
  return edits.reduceRight((text, { at, end, text: call }) => text.slice(0, at) + call + text.slice(end), code)
}

/** What a claim behind `node` is about. */
function subjectOf(node: ts.Node, source: ts.SourceFile): { text: string; replaces: boolean } | undefined {
  if (ts.isExpressionStatement(node)) return { text: node.expression.getText(source), replaces: true }
  if (!ts.isVariableStatement(node)) return undefined
  const [only, ...others] = node.declarationList.declarations
  if (only === undefined || others.length > 0 || !ts.isIdentifier(only.name)) return undefined
  return { text: only.name.text, replaces: false }
}

function lineOf(source: ts.SourceFile, position: number): number {
  return source.getLineAndCharacterOfPosition(position).line + 1
}

/** Gives `text` back where it is a literal: a claim about a variable would hold whatever the code does. */
function checkedLiteral(text: string): string {
  const source = ts.createSourceFile('literal.ts', `(${text})`, ts.ScriptTarget.ES2022, true)
  const [statement, ...others] = source.statements
  const problems = (source as unknown as { parseDiagnostics: unknown[] }).parseDiagnostics
  const whole = statement !== undefined && others.length === 0 && ts.isExpressionStatement(statement)
  if (!whole || problems.length > 0 || !isLiteral(statement.expression)) throw new Error(`not a literal: ${text}`)
  return text
}

function isLiteral(node: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(node)) return isLiteral(node.expression)
  if (ts.isArrayLiteralExpression(node)) return node.elements.every(isLiteral)
  if (ts.isObjectLiteralExpression(node))
    return node.properties.every((property) => ts.isPropertyAssignment(property) && isLiteral(property.initializer))
  if (ts.isPrefixUnaryExpression(node)) return ts.isNumericLiteral(node.operand) || isLiteral(node.operand)
  if (ts.isIdentifier(node)) return ['undefined', 'NaN', 'Infinity'].includes(node.text)
  const words = [ts.SyntaxKind.TrueKeyword, ts.SyntaxKind.FalseKeyword, ts.SyntaxKind.NullKeyword]
  return ts.isLiteralExpression(node) || words.includes(node.kind)
}
