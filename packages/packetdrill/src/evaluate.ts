import { parseIp } from '@fata/addr'
import { CONSTANTS, ERRNO, type Linger, type OptionValue, type SocketAddress } from '@fata/posix'
import { Unsupported } from './errors.ts'
import { TokenReader, tokenize } from './lexer.ts'
import type { Expression } from './script.ts'

const NAMES: Readonly<Record<string, number>> = { ...CONSTANTS, ...ERRNO }

/** Gives expressions of calls their values. */
export class Evaluator {
  readonly #defines: ReadonlyMap<string, string>

  constructor(defines: ReadonlyMap<string, string>) {
    this.#defines = defines
  }

  number(e: Expression | undefined): number {
    if (e === undefined) throw new TypeError('an argument is missing')
    switch (e.kind) {
      case 'integer':
        return e.value
      case 'word':
        return this.#word(e.name)
      case 'or':
        return Number(BigInt(this.number(e.left)) | BigInt(this.number(e.right)))
      case 'function':
        if (e.name === 'htons' && e.args.length === 1) return this.number(e.args[0])
        throw new Unsupported(`${e.name}() in a call`)
      default:
        throw new TypeError(`a number is expected where ${e.kind} stands`)
    }
  }

  #word(name: string): number {
    const defined = this.#defines.get(name)
    if (defined !== undefined && defined !== name) return this.#text(defined)
    if (name === 'NULL' || name === 'null') return 0
    const value = NAMES[name]
    if (value === undefined) throw new Unsupported(`the name ${name}`)
    return value
  }

  #text(text: string): number {
    const r = new TokenReader(tokenize(text))
    return r.isType('integer') || r.isType('hex') ? r.integer() : this.#word(r.take('word'))
  }

  /** `[1]` */
  bracketed(e: Expression | undefined): number {
    if (e?.kind !== 'list' || e.items.length !== 1) throw new TypeError('a number in brackets is expected')
    return this.number(e.items[0])
  }

  /** What setsockopt takes, or getsockopt should give; undefined for `...`. */
  option(e: Expression | undefined): OptionValue | undefined {
    switch (e?.kind) {
      case 'string':
        return e.value.replace(/\0+$/, '')
      case 'word':
        return this.#stringDefine(e.name) ?? this.number(e)
      case 'list':
        return this.bracketed(e)
      case 'record':
        return this.#linger(e)
      case 'ellipsis':
      case undefined:
        return undefined
      default:
        return this.number(e)
    }
  }

  #stringDefine(name: string): string | undefined {
    const value = this.#defines.get(name)
    return value?.startsWith('"') === true ? value.slice(1, -1) : undefined
  }

  #linger(e: Expression & { kind: 'record' }): Linger {
    const onoff = e.fields.get('onoff')
    const linger = e.fields.get('linger')
    if (onoff === undefined || linger === undefined) throw new Unsupported('this kind of socket option value')
    return { onoff: this.number(onoff), linger: this.number(linger) }
  }

  field(e: Expression | undefined, name: string): Expression | undefined {
    return e?.kind === 'record' ? e.fields.get(name) : undefined
  }

  /** The length of a buffer: of `...` what is said beside it, of a string its own. */
  bufferLength(e: Expression | undefined, count: number): number {
    return e?.kind === 'string' ? Math.max(e.value.length, count) : count
  }

  /** The lengths in `[{..., 100}, {..., 50}]`. */
  iovec(e: Expression | undefined): number[] {
    if (e?.kind !== 'list') throw new TypeError('a list of buffers is expected')
    return e.items.map((item) => {
      if (item.kind !== 'record') throw new TypeError('a buffer is written {..., length}')
      return this.number(item.items[1])
    })
  }

  /** `{sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("10.0.0.1")}`; undefined for `...`. */
  address(e: Expression | undefined): SocketAddress | undefined {
    if (e?.kind !== 'record') return undefined
    const family = this.number(e.fields.get('sa_family'))
    const port = this.number(e.fields.get('sin_port') ?? e.fields.get('sin6_port'))
    const addr = e.fields.get('sin_addr') ?? e.fields.get('sin6_addr')
    const text = addr?.kind === 'function' && addr.args[0]?.kind === 'string' ? addr.args[0].value : undefined
    if (text === undefined) return { family, address: undefined, port }
    const address = parseIp(text)
    if (address === undefined) throw new TypeError(`${text} is no address`)
    return { family, address, port }
  }
}
