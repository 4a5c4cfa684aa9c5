import { Mismatch, Unsupported } from './errors.ts'

/** What a name can stand for. */
export type Value = number | string | boolean | null | Value[]
export type Names = ReadonlyMap<string, Value>

type Token = { readonly type: 'number' | 'string' | 'name' | 'op'; readonly text: string }

const TOKEN =
  /\s*(?:(0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|([A-Za-z_]\w*)|(\*\*|\/\/|<<|>>|<=|>=|==|!=|<>|[-+*/%&|^~<>()[\],=.:]))/y

/** Loosest first; all of them group to the left. */
const LEVELS: readonly (readonly string[])[] = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '//', '%']]
const COMPARISONS = ['==', '!=', '<>', '<=', '>=', '<', '>', 'in', 'not', 'is']

/**
 * Runs the little of Python that scripts use to check what a socket tells of itself: assertions, assignments, print, expressions of
 * numbers and strings. Throws Mismatch where an assertion does not hold, Unsupported for what is beyond it.
 */
export function runPython(code: string, names: Map<string, Value>): void {
  for (const statement of statements(code)) runStatement(statement, names)
}

/** Lines, and what is between semicolons; a line goes on within parentheses and behind a backslash. */
function statements(code: string): string[] {
  const found: string[] = []
  let text = ''
  let depth = 0
  let quote = ''
  for (let i = 0; i < code.length; i++) {
    const ch = code[i]!
    if (quote !== '') {
      if (ch === '\\') text += code[i++]!
      else if (ch === quote) quote = ''
    } else if (ch === '#') {
      while (i + 1 < code.length && code[i + 1] !== '\n') i++
      continue
    } else if (ch === '"' || ch === "'") {
      quote = ch
    } else if ('([{'.includes(ch)) {
      depth++
    } else if (')]}'.includes(ch)) {
      depth--
    } else if (ch === '\\' && code[i + 1] === '\n') {
      i++
      continue
    } else if (depth === 0 && (ch === '\n' || ch === ';')) {
      found.push(text)
      text = ''
      continue
    }
    text += code[i]!
  }
  return [...found, text].filter((s) => s.trim() !== '')
}

function runStatement(text: string, names: Map<string, Value>): void {
  if (/^\s+\S/.test(text) && /^\s*(?:if|for|while|def|import|from)\b/.test(text))
    throw new Unsupported(`Python: ${text.trim()}`)
  const p = new Python(text, names)
  if (/^\s*(?:if|for|while|def|import|from|class|try|with)\b/.test(text))
    throw new Unsupported(`Python: ${text.trim()}`)
  if (p.accept('assert')) {
    const held = p.expression()
    if (truth(held)) return
    const message = p.accept(',') ? `: ${show(p.expression())}` : ''
    throw new Mismatch(`assertion failed${message}: ${text.trim()}`)
  }
  const assignment = /^\s*([A-Za-z_]\w*)\s*=(?!=)/.exec(text)
  if (assignment !== null) {
    p.skip(2)
    names.set(assignment[1]!, p.expression())
    return
  }
  if (/^\s*print\b(?!\s*\()/.test(text)) return
  p.expression()
}

/** An expression of Python, evaluated as it is read. */
class Python {
  readonly #tokens: Token[] = []
  readonly #names: Names
  #at = 0

  constructor(text: string, names: Names) {
    this.#names = names
    TOKEN.lastIndex = 0
    const end = text.trimEnd().length
    for (let at = 0; at < end; at = TOKEN.lastIndex) {
      const match = TOKEN.exec(text)
      if (match === null) throw new Unsupported(`Python: ${text.slice(at).trim()}`)
      const [, number, string, name, op] = match
      if (number !== undefined) this.#tokens.push({ type: 'number', text: number })
      else if (string !== undefined) this.#tokens.push({ type: 'string', text: string })
      else if (name !== undefined) this.#tokens.push({ type: 'name', text: name })
      else this.#tokens.push({ type: 'op', text: op! })
    }
  }

  accept(text: string): boolean {
    const token = this.#tokens[this.#at]
    if (token === undefined || token.type === 'string' || token.text !== text) return false
    this.#at++
    return true
  }

  skip(tokens: number): void {
    this.#at += tokens
  }

  expression(): Value {
    const value = this.#or()
    if (!this.accept('if')) return value
    const condition = truth(this.#or())
    this.#expect('else')
    const other = this.expression()
    return condition ? value : other
  }

  #expect(text: string): void {
    if (!this.accept(text)) throw new Unsupported(`Python: expected '${text}'`)
  }

  #or(): Value {
    let left = this.#and()
    while (this.accept('or')) {
      const right = this.#and()
      left = truth(left) ? left : right
    }
    return left
  }

  #and(): Value {
    let left = this.#not()
    while (this.accept('and')) {
      const right = this.#not()
      left = truth(left) ? right : left
    }
    return left
  }

  #not(): Value {
    return this.accept('not') ? !truth(this.#not()) : this.#comparison()
  }

  /** Comparisons form a chain: a < b < c. */
  #comparison(): Value {
    let left = this.#binary(0)
    let result: boolean | undefined
    for (let op = this.#comparator(); op !== undefined; op = this.#comparator()) {
      const right = this.#binary(0)
      result = (result ?? true) && compare(op, left, right)
      left = right
    }
    return result ?? left
  }

  #comparator(): string | undefined {
    const op = COMPARISONS.find((candidate) => this.accept(candidate))
    if (op === 'not') {
      this.#expect('in')
      return 'not in'
    }
    if (op === 'is') return this.accept('not') ? '!=' : '=='
    return op === '<>' ? '!=' : op
  }

  #binary(level: number): Value {
    const ops = LEVELS[level]
    if (ops === undefined) return this.#unary()
    let left = this.#binary(level + 1)
    for (;;) {
      const op = ops.find((candidate) => this.accept(candidate))
      if (op === undefined) return left
      left = calculate(op, left, this.#binary(level + 1))
    }
  }

  #unary(): Value {
    if (this.accept('-')) return -numeric(this.#unary())
    if (this.accept('+')) return numeric(this.#unary())
    if (this.accept('~')) return -numeric(this.#unary()) - 1
    const base = this.#primary()
    return this.accept('**') ? numeric(base) ** numeric(this.#unary()) : base
  }

  #primary(): Value {
    if (this.accept('(')) return this.#parenthesized()
    if (this.accept('[')) return this.#list(']')
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new Unsupported('Python: an expression ends too early')
    if (token.type === 'number') return Number(token.text)
    if (token.type === 'string') return token.text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
    if (token.type !== 'name') throw new Unsupported(`Python: '${token.text}'`)
    if (this.accept('(')) return call(token.text, this.#list(')'))
    return this.#name(token.text)
  }

  /** An expression in parentheses, or a tuple. */
  #parenthesized(): Value {
    const items = this.#list(')')
    return items.length === 1 ? items[0]! : items
  }

  #list(close: string): Value[] {
    const items: Value[] = []
    while (!this.accept(close)) {
      items.push(this.expression())
      if (!this.accept(',')) {
        this.#expect(close)
        break
      }
    }
    return items
  }

  #name(name: string): Value {
    if (name === 'True' || name === 'False') return name === 'True'
    if (name === 'None') return null
    const value = this.#names.get(name)
    if (value === undefined) throw new Unsupported(`Python: '${name}' is not known here`)
    return value
  }
}

function truth(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}

function numeric(value: Value): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  throw new Unsupported(`Python: ${show(value)} is no number`)
}

function show(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return Array.isArray(value) ? `(${value.map(show).join(', ')})` : String(value)
}

function compare(op: string, a: Value, b: Value): boolean {
  if (op === 'in' || op === 'not in') {
    const found = Array.isArray(b) ? b.some((item) => compare('==', a, item)) : String(b).includes(String(a))
    return found === (op === 'in')
  }
  if (op === '==' || op === '!=') {
    const same =
      typeof a === 'string' || typeof b === 'string' || a === null || b === null ? a === b : numeric(a) === numeric(b)
    return same === (op === '==')
  }
  const x = numeric(a)
  const y = numeric(b)
  return op === '<' ? x < y : op === '>' ? x > y : op === '<=' ? x <= y : x >= y
}

/** Bits of integers beyond 32. */
function bits(op: string, x: number, y: number): number {
  const a = BigInt(x)
  const b = BigInt(y)
  const result = op === '|' ? a | b : op === '&' ? a & b : op === '^' ? a ^ b : op === '<<' ? a << b : a >> b
  return Number(result)
}

function calculate(op: string, a: Value, b: Value): Value {
  if (op === '%' && typeof a === 'string') return format(a, Array.isArray(b) ? b : [b])
  if (op === '+' && typeof a === 'string' && typeof b === 'string') return a + b
  const x = numeric(a)
  const y = numeric(b)
  if ((op === '/' || op === '//' || op === '%') && y === 0) throw new Mismatch('Python: division by zero')
  switch (op) {
    case '+':
      return x + y
    case '-':
      return x - y
    case '*':
      return x * y
    case '/':
      return x / y
    case '//':
      return Math.floor(x / y)
    case '%':
      return x - y * Math.floor(x / y)
    default:
      return bits(op, x, y)
  }
}

function format(template: string, values: readonly Value[]): string {
  let i = 0
  return template.replaceAll(/%[-#0 +]*\d*(?:\.\d+)?([diouxXeEfFgGcrs%])/g, (_, kind: string) =>
    kind === '%' ? '%' : show(values[i++] ?? null),
  )
}

function call(name: string, args: readonly Value[]): Value {
  const numbers = (): number[] => args.flatMap((a) => (Array.isArray(a) ? a.map(numeric) : [numeric(a)]))
  switch (name) {
    case 'abs':
      return Math.abs(numeric(args[0]!))
    case 'int':
      return Math.trunc(Number(args[0]))
    case 'float':
      return Number(args[0])
    case 'round':
      return Math.round(numeric(args[0]!))
    case 'bool':
      return truth(args[0]!)
    case 'str':
      return show(args[0]!)
    case 'len':
      return (args[0] as string | Value[]).length
    case 'min':
      return Math.min(...numbers())
    case 'max':
      return Math.max(...numbers())
    case 'print':
      return null
    default:
      throw new Unsupported(`Python: ${name}() is not known here`)
  }
}
