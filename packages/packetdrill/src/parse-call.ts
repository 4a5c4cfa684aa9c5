import type { TokenReader } from './lexer.ts'
import type { CallSpec, Expression } from './script.ts'

const MICROSECONDS = 1e6

/** A time in seconds, as microseconds. */
export function parseSeconds(r: TokenReader): number {
  if (!r.isType('float') && !r.isType('integer')) r.fail('expected a time')
  const seconds = Number(r.peek().text)
  if (seconds < 0) r.fail('a time is not negative')
  r.next()
  return Math.round(seconds * MICROSECONDS)
}

/** `...0.2 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)` */
export function parseCall(r: TokenReader): CallSpec {
  const end = r.accept('...') ? parseSeconds(r) : undefined
  const name = r.take('word')
  r.expect('(')
  const args = r.is(')') ? [] : parseExpressions(r)
  r.expect(')')
  r.expect('=')
  const result = parseExpression(r)
  const errno = r.isType('word') ? r.next().text : undefined
  if (r.is('(')) skipNote(r)
  return { name, args, result, errno, end }
}

/** `(Connection refused)`, `(flags O_RDWR|O_NONBLOCK)`: for readers. */
function skipNote(r: TokenReader): void {
  r.expect('(')
  while (!r.accept(')')) {
    if (r.isType('end')) r.fail("expected ')'")
    r.next()
  }
}

function parseExpressions(r: TokenReader): Expression[] {
  const list: Expression[] = []
  do list.push(parseExpression(r))
  while (r.accept(','))
  return list
}

function parseExpression(r: TokenReader): Expression {
  if (r.isType('word') && r.is('=', 1)) {
    const name = r.next().text
    r.next()
    return { kind: 'assign', name, value: parseExpression(r) }
  }
  let left = parsePrimary(r)
  while (r.accept('|')) left = { kind: 'or', left, right: parsePrimary(r) }
  return left
}

function parsePrimary(r: TokenReader): Expression {
  if (r.accept('...')) return { kind: 'ellipsis' }
  if (r.accept('[')) return parseList(r)
  if (r.accept('{')) return parseRecord(r)
  switch (r.peek().type) {
    case 'integer':
    case 'hex':
      return { kind: 'integer', value: r.integer() }
    case 'string':
      return parseString(r)
    case 'word':
      return parseWord(r)
    default:
      return r.fail('expected an expression')
  }
}

function parseList(r: TokenReader): Expression {
  const items = r.is(']') ? [] : parseExpressions(r)
  r.expect(']')
  return { kind: 'list', items }
}

/** One string, or several that stand behind each other; dots behind it stand for what is left out. */
function parseString(r: TokenReader): Expression {
  let value = ''
  while (r.isType('string')) value += unescaped(r.next().text)
  r.accept('...')
  return { kind: 'string', value }
}

function unescaped(text: string): string {
  const letters: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0' }
  return text.replaceAll(/\\(x[0-9a-fA-F]{2}|[\s\S])/g, (_, code: string) =>
    code.startsWith('x') ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (letters[code] ?? code),
  )
}

function parseWord(r: TokenReader): Expression {
  const name = r.next().text
  if (!r.accept('(')) return { kind: 'word', name }
  const args = r.is(')') ? [] : parseExpressions(r)
  r.expect(')')
  return { kind: 'function', name, args }
}

/** `{..., 1000}`, `{fd=4, events=POLLIN}`, `{msg_name(...)=..., msg_iov(1)=[{..., 8}], msg_flags=0}` */
function parseRecord(r: TokenReader): Expression {
  const items: Expression[] = []
  const fields = new Map<string, Expression>()
  while (!r.is('}')) {
    const name = fieldName(r)
    const value = parseExpression(r)
    if (name === undefined) items.push(value)
    else fields.set(name, value)
    if (!r.accept(',')) break
  }
  r.expect('}')
  return { kind: 'record', items, fields }
}

/** The name before `=`; a length in parentheses behind it is for readers. */
function fieldName(r: TokenReader): string | undefined {
  if (!r.isType('word')) return undefined
  if (r.is('=', 1)) {
    const name = r.next().text
    r.next()
    return name
  }
  if (!r.is('(', 1) || !r.is(')', 3) || !r.is('=', 4)) return undefined
  const name = r.next().text
  for (let i = 0; i < 4; i++) r.next()
  return name
}
