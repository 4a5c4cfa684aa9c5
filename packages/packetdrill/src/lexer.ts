import { ScriptError } from './errors.ts'

export type TokenType =
  | 'word'
  | 'integer'
  | 'hex'
  | 'float'
  | 'string'
  | 'command'
  | 'code'
  | 'option'
  | 'ellipsis'
  | 'ipv4'
  | 'ipv6'
  | 'symbol'
  | 'end'

/** `text` is what stands between the quotes, where there are any. */
export interface Token {
  readonly type: TokenType
  readonly text: string
  readonly line: number
}

const SEGMENT = '[0-9a-fA-F]{1,4}'
const IPV4 = '[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+'
/** With `::` or in full: sequence ranges like 1:1001 are no addresses. */
const IPV6 = [
  `(?:${SEGMENT}:){7}${SEGMENT}`,
  `(?:${SEGMENT}(?::${SEGMENT})*)?::(?:${SEGMENT}(?::${SEGMENT})*)?(?::?${IPV4})?`,
].join('|')

/** The longest match counts, of equally long ones the first. */
const RULES: readonly (readonly [TokenType | 'space', RegExp, number, number])[] = [
  ['space', /[ \t\r\n]+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y, 0, 0],
  ['ellipsis', /[.]{3}/y, 0, 0],
  ['option', /--[a-zA-Z0-9_]+/y, 2, 0],
  ['float', /-?[0-9]*[.][0-9]+/y, 0, 0],
  ['integer', /-?[0-9]+/y, 0, 0],
  ['hex', /0x[0-9a-fA-F]+/y, 0, 0],
  ['word', /[a-zA-Z0-9_]+/y, 0, 0],
  ['string', /"(?:\\[\s\S]|[^"\\])*"/y, 1, 1],
  ['command', /`(?:\\[\s\S]|[^`\\])*`/y, 1, 1],
  ['code', /%\{[\s\S]*?\}%/y, 2, 2],
  ['ipv4', new RegExp(IPV4, 'y'), 0, 0],
  ['ipv6', new RegExp(IPV6, 'y'), 0, 0],
  ['symbol', /[^ \t\n]/y, 0, 0],
]

/** Takes a script apart. Throws ScriptError where a quotation has no end. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  for (let at = 0; at < text.length; ) {
    let best: (typeof RULES)[number] = RULES[0]!
    let length = 0
    for (const rule of RULES) {
      rule[1].lastIndex = at
      const match = rule[1].exec(text)
      if (match === null || match[0].length <= length) continue
      best = rule
      length = match[0].length
    }
    const [type, , front, back] = best
    const matched = text.slice(at, at + length)
    if (type === 'symbol' && (matched === '"' || matched === '`'))
      throw new ScriptError(line, `a quotation that begins with ${matched} does not end`)
    if (type !== 'space') tokens.push({ type, text: matched.slice(front, length - back), line })
    line += matched.split('\n').length - 1
    at += length
  }
  tokens.push({ type: 'end', text: '', line })
  return tokens
}

/** Reads tokens one after the other. */
export class TokenReader {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get line(): number {
    return this.peek().line
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!
  }

  next(): Token {
    const token = this.peek()
    if (token.type !== 'end') this.#at++
    return token
  }

  /** The next token is this symbol or word. */
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token.text === text && (token.type === 'symbol' || token.type === 'word' || token.type === 'ellipsis')
  }

  isType(type: TokenType, ahead = 0): boolean {
    return this.peek(ahead).type === type
  }

  /** Takes the next token if it is this symbol or word. */
  accept(text: string): boolean {
    if (!this.is(text)) return false
    this.next()
    return true
  }

  expect(text: string): void {
    if (!this.accept(text)) this.fail(`expected '${text}'`)
  }

  take(type: TokenType): string {
    if (!this.isType(type)) this.fail(`expected ${type}`)
    return this.next().text
  }

  /** An integer within bounds. */
  integer(least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): number {
    const { type, text } = this.peek()
    if (type !== 'integer' && type !== 'hex') this.fail('expected a number')
    const value = Number(text)
    if (value < least || value > most) this.fail(`${text} is not in ${least}..${most}`)
    this.next()
    return value
  }

  fail(message: string): never {
    const { type, text, line } = this.peek()
    throw new ScriptError(line, type === 'end' ? `${message}, and the script ends` : `${message} at '${text}'`)
  }
}
