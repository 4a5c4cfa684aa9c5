/** What a script says, as it says it: numbers are those of the script. Times are microseconds. */
export interface Script {
  readonly options: readonly ScriptOption[]
  /** Shell text that runs before the first event. */
  readonly init: { readonly text: string; readonly line: number } | undefined
  readonly events: readonly ScriptEvent[]
}

export interface ScriptOption {
  readonly name: string
  readonly value: string | undefined
  readonly line: number
}

/** When something happens: at a time of the script, so long after the event before, within a range, or whenever (outbound packets only). */
export type EventTime =
  | { readonly kind: 'absolute' | 'relative'; readonly at: number }
  | { readonly kind: 'absolute-range' | 'relative-range'; readonly at: number; readonly end: number }
  | { readonly kind: 'any' }

export interface ScriptEvent {
  readonly time: EventTime
  readonly line: number
  readonly action: Action
}

export type Action =
  | { readonly kind: 'packet'; readonly packet: PacketSpec }
  | { readonly kind: 'call'; readonly call: CallSpec }
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }

/** A system call and what it returns. */
export interface CallSpec {
  readonly name: string
  readonly args: readonly Expression[]
  readonly result: Expression
  readonly errno: string | undefined
  /** When a call that waits returns; relative to the event before where the call's own time is. */
  readonly end: number | undefined
}

export type Expression =
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'word'; readonly name: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'assign'; readonly name: string; readonly value: Expression }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  /** `{ ... }`: `fields` where it has names, `items` where it has none. */
  | {
      readonly kind: 'record'
      readonly items: readonly Expression[]
      readonly fields: ReadonlyMap<string, Expression>
    }
  /** htons(80), inet_addr("10.0.0.1") */
  | { readonly kind: 'function'; readonly name: string; readonly args: readonly Expression[] }

/** What is said of the IP header. */
export interface IpSpec {
  readonly ecn: number | 'ect01' | undefined
  readonly tos: number | undefined
  readonly ttl: number | undefined
  readonly flowLabel: number | undefined
}

export interface PacketSpec {
  readonly inbound: boolean
  readonly ip: IpSpec
  /** Headers around the packet that this host cannot make: `'gre'`, `'mpls'`, `'ipv4'`, `'ipv6'`. */
  readonly around: readonly string[]
  readonly body: TcpSpec | UdpSpec | IcmpSpec
}

export interface Ports {
  readonly src: number
  readonly dst: number
}

export interface TcpSpec {
  readonly kind: 'tcp'
  readonly ports: Ports | undefined
  /** As in the header. */
  readonly flags: number
  /** The three bits of Accurate ECN as a number, where they are written so; then they are no part of `flags`. */
  readonly ace: number | undefined
  readonly seq: number
  readonly length: number
  readonly ack: number
  /** undefined: any. */
  readonly window: number | undefined
  readonly urgent: number
  /** undefined: any. */
  readonly options: readonly TcpOptionSpec[] | undefined
}

export type TcpOptionSpec =
  | { readonly kind: 'nop' | 'eol' | 'sackOK' }
  | { readonly kind: 'mss' | 'wscale'; readonly value: number }
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly kind: 'TS'; readonly val: number; readonly ecr: number }
  /** Fast open (kind 34, or 254 with a magic number), MD5, Accurate ECN: bytes as they are. */
  | { readonly kind: 'FO' | 'FOEXP' | 'md5'; readonly hex: string }
  | { readonly kind: 'accecn'; readonly number: 172 | 174; readonly counters: readonly number[] }

export interface UdpSpec {
  readonly kind: 'udp'
  readonly ports: Ports | undefined
  readonly length: number
}

export interface IcmpSpec {
  readonly kind: 'icmp'
  readonly type: string
  readonly code: string | undefined
  readonly mtu: number | undefined
  readonly id: number | undefined
  /** What the error quotes. */
  readonly echoed:
    | { readonly kind: 'tcp'; readonly seq: number; readonly length: number }
    | { readonly kind: 'udp' | 'raw'; readonly length: number }
    | undefined
}
