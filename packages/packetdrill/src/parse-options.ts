import type { TokenReader } from './lexer.ts'
import type { TcpOptionSpec } from './script.ts'

const MAX_U16 = 0xffff
const MAX_U32 = 0xffffffff

/** `<mss 1460,sackOK,nop,wscale 8>`; undefined for `<...>`. */
export function parseTcpOptions(r: TokenReader): TcpOptionSpec[] | undefined {
  const options: TcpOptionSpec[] = []
  // The next event may begin with `<` only behind a time.
  if (!r.accept('<')) return options
  if (r.accept('...')) {
    r.expect('>')
    return undefined
  }
  do options.push(parseOption(r))
  while (r.accept(','))
  r.expect('>')
  return options
}

function parseOption(r: TokenReader): TcpOptionSpec {
  const name = r.take('word')
  switch (name) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return { kind: name }
    case 'sackok':
      return { kind: 'sackOK' }
    case 'mss':
      return { kind: name, value: r.integer(0, MAX_U16) }
    case 'wscale':
      return { kind: name, value: r.integer(0, 255) }
    case 'sack':
      return { kind: name, blocks: parseBlocks(r) }
    case 'TS':
      return parseTimestamp(r)
    case 'FO':
    case 'FOEXP':
    case 'md5':
      return { kind: name, hex: parseHex(r) }
    case 'ECN':
      return parseAccurateEcn(r)
    default:
      return r.fail(`'${name}' is no TCP option`)
  }
}

function parseBlocks(r: TokenReader): [number, number][] {
  const blocks: [number, number][] = []
  do {
    const left = r.integer(0, MAX_U32)
    r.expect(':')
    blocks.push([left, r.integer(0, MAX_U32)])
  } while (r.isType('integer'))
  return blocks
}

function parseTimestamp(r: TokenReader): TcpOptionSpec {
  r.expect('val')
  const val = r.integer(0, MAX_U32)
  r.expect('ecr')
  return { kind: 'TS', val, ecr: r.integer(0, MAX_U32) }
}

function parseHex(r: TokenReader): string {
  if (!r.isType('word') && !r.isType('integer') && !r.isType('hex')) return ''
  const { text } = r.next()
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) r.fail(`'${text}' is no even number of hexadecimal digits`)
  return text.toLowerCase()
}

/** `ECN e0b 1 ceb 0 e1b 1`: the first counter tells the kind. */
function parseAccurateEcn(r: TokenReader): TcpOptionSpec {
  const number = r.is('e1b') ? 174 : 172
  const counters: number[] = []
  while (r.is('e0b') || r.is('e1b') || r.is('ceb')) {
    r.next()
    counters.push(r.integer(0, 0xffffff))
  }
  return { kind: 'accecn', number, counters }
}
