import { formatIp, type IpAddress, ip } from '@fata/addr'
import { type Family, HappyEyeballsCore, type Output } from '../../src/core/core.ts'
import { type SourceAddress, sortDestinations } from '../../src/core/selection.ts'
import { type HappyEyeballsOptions, settings } from '../../src/options.ts'

export function ips(text: string): IpAddress[] {
  return text === '' ? [] : text.split(' ').map(ip)
}

function text(out: Output): string {
  switch (out.kind) {
    case 'resolve':
    case 'abort-resolve':
    case 'resolve-timeout':
      return `${out.kind} ${out.family}`
    case 'connect':
    case 'connect-timeout':
      return `${out.kind} #${out.attempt} ${formatIp(out.address)}`
    case 'abort-connect':
    case 'won':
      return `${out.kind} #${out.attempt}`
    case 'lost':
      return `lost after ${out.attempts}`
    default:
      return out satisfies never
  }
}

/** A race in virtual time that begins at 0; what the core puts out is read as lines. */
export class Script {
  readonly core: HappyEyeballsCore
  now = 0

  constructor(options: HappyEyeballsOptions = {}, sources?: readonly SourceAddress[]) {
    this.core = new HappyEyeballsCore(settings(options), (addresses) => sortDestinations(addresses, sources))
  }

  start(...families: Family[]): string[] {
    this.core.start(this.now, families.length === 0 ? [4, 6] : families)
    return this.outputs()
  }

  startWith(addresses: string): string[] {
    this.core.startWith(this.now, ips(addresses))
    return this.outputs()
  }

  resolved(family: Family, addresses = ''): string[] {
    this.core.resolved(this.now, family, ips(addresses))
    return this.outputs()
  }

  connected(attempt: number): string[] {
    this.core.connected(attempt)
    return this.outputs()
  }

  fails(attempt: number): string[] {
    this.core.connectFailed(this.now, attempt)
    return this.outputs()
  }

  cancels(): string[] {
    this.core.cancel()
    return this.outputs()
  }

  /** Time passes; the core is called when it asked for it. Lines begin with their time. */
  passes(ms: number): string[] {
    const end = this.now + ms
    const lines: string[] = []
    for (let at = this.core.deadline(); at <= end; at = this.core.deadline()) {
      this.now = Math.max(this.now, at)
      this.core.timeout(this.now)
      for (const line of this.outputs()) lines.push(`${this.now}: ${line}`)
    }
    this.now = end
    return lines
  }

  outputs(): string[] {
    const lines: string[] = []
    for (let out = this.core.poll(); out !== undefined; out = this.core.poll()) lines.push(text(out))
    return lines
  }
}
