import { type IpAddress, parseIp } from '@fata/addr'
import type { Stack } from '@fata/stack'
import { CommandError, UsageError } from './errors.ts'

/** The one operand of a command that goes to a host. Throws UsageError. */
export function hostOperand(command: string, positionals: readonly string[]): string {
  const [host, ...more] = positionals
  if (host === undefined || host === '') throw new UsageError(`${command} needs a host: fata ${command} 10.0.0.1`)
  if (more.length > 0) throw new UsageError(`${command} takes one host, got '${more[0]}' as well`)
  return host
}

/** The address behind a name, the preferred one where there are several, or an address as text. Rejects with CommandError. */
export async function resolveHost(stack: Stack, host: string, signal: AbortSignal): Promise<IpAddress> {
  const literal = parseIp(host)
  if (literal !== undefined) return literal
  try {
    const found = await stack.resolver.lookup(host, { signal })
    const families = new Set(stack.addresses().map(({ address }) => typeof address))
    return found.find((address) => families.has(typeof address)) ?? found[0]!
  } catch (error) {
    if (signal.aborted) throw error
    throw new CommandError((error as Error).message, { cause: error })
  }
}
