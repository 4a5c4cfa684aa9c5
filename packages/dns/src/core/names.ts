import { IPV6_LOOPBACK, type IpAddress, ipv4 } from '@fata/addr'
import { foldName } from '../wire/name.ts'

const LOOPBACKS: readonly IpAddress[] = [IPV6_LOOPBACK, ipv4('127.0.0.1')]

/** The names that `name` may stand for, in the order in which they are tried. With a final dot it stands for itself alone. */
export function completions(name: string, search: readonly string[], ndots: number): string[] {
  if (/(?<!\\)\.$/.test(name)) return [name.slice(0, -1)]
  const completed = search.map((domain) => (domain === '' ? name : `${name}.${domain}`))
  const dots = name.replace(/\\./g, '').split('.').length - 1
  const names = dots >= ndots ? [name, ...completed] : [...completed, name]
  return [...new Set(names)]
}

/** What is answered without asking anybody: `localhost` and below is this host, `invalid` is nothing (RFC 6761 §6.3, §6.4). */
export function localAnswer(name: string): readonly IpAddress[] | 'not-found' | undefined {
  const last = foldName(name).split('.').at(-1)
  if (last === 'localhost') return LOOPBACKS
  return last === 'invalid' ? 'not-found' : undefined
}
