import { TokenReader, tokenize } from './lexer.ts'
import { parseCall, parseSeconds } from './parse-call.ts'
import { parsePacket } from './parse-packet.ts'
import type { Action, EventTime, Script, ScriptEvent, ScriptOption } from './script.ts'

/** Reads a script. Throws ScriptError. */
export function parseScript(text: string): Script {
  const r = new TokenReader(tokenize(text))
  const options: ScriptOption[] = []
  while (r.isType('option')) options.push(parseOption(r))
  const init = r.isType('command') ? { line: r.line, text: r.next().text } : undefined
  const events: ScriptEvent[] = []
  while (!r.isType('end')) {
    // A last command without a time cleans up.
    if (r.isType('command') && r.isType('end', 1)) {
      events.push({ line: r.line, time: { kind: 'relative', at: 0 }, action: parseAction(r) })
      break
    }
    events.push(parseEvent(r))
  }
  return { options, init, events }
}

/** `--mtu=1500`, `--define=CC="reno"` */
function parseOption(r: TokenReader): ScriptOption {
  const line = r.line
  const name = r.take('option')
  if (!r.accept('=')) return { name, value: undefined, line }
  let value = r.next().text
  if (r.accept('=')) value += `=${r.next().text}`
  return { name, value, line }
}

function parseEvent(r: TokenReader): ScriptEvent {
  const line = r.line
  const time = parseTime(r)
  const action = parseAction(r)
  const outbound = action.kind === 'packet' && !action.packet.inbound
  if (!outbound && time.kind !== 'absolute' && time.kind !== 'relative')
    r.fail('only the time of outbound packets can be a range or any')
  return { line, time, action }
}

/** `1.5`, `+.1`, `1~2`, `+1~+2`, `*` */
function parseTime(r: TokenReader): EventTime {
  if (r.accept('*')) return { kind: 'any' }
  const relative = r.accept('+')
  const at = parseSeconds(r)
  if (!r.accept('~')) return { kind: relative ? 'relative' : 'absolute', at }
  if (relative) r.expect('+')
  const end = parseSeconds(r)
  if (end < at) r.fail('the range of time is backwards')
  return { kind: relative ? 'relative-range' : 'absolute-range', at, end }
}

function parseAction(r: TokenReader): Action {
  if (r.is('<') || r.is('>')) return { kind: 'packet', packet: parsePacket(r) }
  if (r.isType('command')) return { kind: 'command', text: r.next().text }
  if (r.isType('code')) return { kind: 'code', text: r.next().text.trim() }
  return { kind: 'call', call: parseCall(r) }
}
