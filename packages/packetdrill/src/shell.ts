import { Unsupported } from './errors.ts'
import type { Settings } from './settings.ts'
import { setSysctl } from './sysctl.ts'

/** What production hosts have on which public Linux scripts run: the values of their `defaults.sh`. */
const LINUX_DEFAULTS: readonly (readonly [string, string])[] = [
  ['tcp_rmem', '4096 540000 15728640'],
  ['tcp_wmem', '4096 262144 4194304'],
  ['tcp_timestamps', '1'],
  ['tcp_syn_retries', '5'],
  ['tcp_sack', '1'],
  ['tcp_congestion_control', 'cubic'],
  ['tcp_slow_start_after_idle', '0'],
  ['tcp_ecn', '0'],
]

/** Commands that change nothing which the stack could show. */
const HARMLESS = [
  /^$/,
  /^#/,
  /^(?:true|:|sync)\b/,
  /^sysctl\s+(?:-[a-z]\s+)*-?a\b/,
  /sysctl_restore/,
  /^ip\s+tcp_metrics\b/,
  /^tc\s+qdisc\s+(?:add|replace|del)\s+dev\s+\S+\s+root(?:\s+pfifo\w*)?$/,
  /^(?:kldload|kldstat|kldunload)\b/,
  /^echo\b(?!.*>)/,
  /^set\s+-/,
  /^export\b/,
]

/** Looks at the host: how many connections are in a state, by its name. */
export interface HostView {
  count(state: string): number
}

/** Does what a command of a script would do to the host. Throws Unsupported for one that cannot be done here. */
export function runCommand(text: string, settings: Settings, host: HostView): void {
  const lines = text.replaceAll(/\\\n/g, ' ').split(/\n|;|&&/)
  for (const line of lines)
    runLine(
      line
        .trim()
        .replace(/\s*(?:[12]?>\s*\/dev\/null|2>&1|>\/dev\/null)\s*/g, ' ')
        .trim(),
      settings,
      host,
    )
}

function runLine(line: string, settings: Settings, host: HostView): void {
  if (HARMLESS.some((pattern) => pattern.test(line))) return
  if (/\bdefaults\.sh\b/.test(line)) {
    for (const [name, value] of LINUX_DEFAULTS) setSysctl(settings, name, value)
    return
  }
  if (/\bset_sysctls\.py\b/.test(line) || /^sysctl\b/.test(line)) {
    for (const [name, value] of assignments(line)) setSysctl(settings, name, value)
    return
  }
  const echo = /^echo\s+(?:-n\s+)?(.*?)\s*>\s*(\/proc\/sys\/\S+)$/.exec(line)
  if (echo !== null) {
    setSysctl(settings, echo[2]!, echo[1]!)
    return
  }
  if (checkStates(line, host)) return
  throw new Unsupported(`no such command here: ${line}`)
}

/** `name=value` with or without quotes; a value in quotes may hold spaces. */
function assignments(line: string): [string, string][] {
  return [...line.matchAll(/([\w./-]+)=("[^"]*"|'[^']*'|\S+)/g)].map((m) => [m[1]!, m[2]!])
}

/** `sockstat ... | grep -c TIME_WAIT | grep 1`: so many connections are in that state. */
function checkStates(line: string, host: HostView): boolean {
  const match = /^sockstat\b.*\|\s*grep\s+-c\s+(\w+)\s*\|\s*grep\s+(\d+)$/.exec(line)
  if (match === null) return false
  const found = host.count(match[1]!)
  if (found !== Number(match[2])) throw new Error(`expected ${match[2]} connections in ${match[1]}, there are ${found}`)
  return true
}
