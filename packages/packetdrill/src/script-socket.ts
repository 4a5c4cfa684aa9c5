import type { LiveOption, Segment } from './segment.ts'
import { seqAddU } from './sequence.ts'

/** How far the script has led a socket; decides which packets are its. */
export type SocketStage =
  | 'new'
  | 'listening'
  | 'passive-syn'
  | 'passive-syn-ack'
  | 'passive-acked'
  | 'connecting'
  | 'active-syn'
  | 'active-acked'

/**
 * One connection as the script and as the stack sees it. Sequence numbers of scripts count from the initial ones of their side, but in
 * SYNs, where they are as they are; timestamps count from the first that was seen.
 */
export class ScriptSocket {
  stage: SocketStage = 'new'
  fd: number | undefined
  localPort: number
  remotePort: number
  /** Ports that the script has named itself, and to which answers go. */
  readonly aliases = new Set<string>()
  scriptLocalIsn = 0
  liveLocalIsn = 0
  remoteIsn = 0
  /** Where answers of this protocol belong to it. */
  readonly protocol: 'tcp' | 'udp'
  /** Script's value of a timestamp to the live one. */
  readonly #stamps = new Map<number, number>()
  #firstStamp: { readonly script: number; readonly live: number } | undefined
  #flowLabel: { readonly script: number; readonly live: number } | undefined

  constructor(protocol: 'tcp' | 'udp', localPort: number, remotePort: number) {
    this.protocol = protocol
    this.localPort = localPort
    this.remotePort = remotePort
  }

  /** Script to live: what the peer says of its own and of our sequence numbers. */
  mapInbound(s: Segment, isSyn: boolean, scaledEchoes: boolean): Segment {
    const ours = isSyn ? this.liveLocalIsn - this.scriptLocalIsn : this.liveLocalIsn
    return {
      ...s,
      seq: seqAddU(s.seq, isSyn ? 0 : this.remoteIsn),
      ack: seqAddU(s.ack, (s.flags & 0x10) === 0 ? 0 : ours),
      options: s.options.map((o) => this.#mapInboundOption(o, ours, (s.flags & 0x10) !== 0, scaledEchoes)),
    }
  }

  #mapInboundOption(o: LiveOption, ours: number, acks: boolean, scaled: boolean): LiveOption {
    if (o.kind === 'sack')
      return { ...o, blocks: o.blocks.map(([left, right]) => [seqAddU(left, ours), seqAddU(right, ours)]) }
    if (o.kind !== 'TS' || !acks) return o
    const exact = this.#stamps.get(o.ecr)
    if (exact !== undefined) return { ...o, ecr: exact }
    if (!scaled || this.#firstStamp === undefined)
      throw new Error(`no outbound packet had the timestamp ${o.ecr} that this one echoes`)
    return { ...o, ecr: seqAddU(o.ecr, this.#firstStamp.live - this.#firstStamp.script) }
  }

  /** Live to script. */
  mapOutbound(s: Segment, isSyn: boolean): Segment {
    const ours = isSyn ? this.scriptLocalIsn - this.liveLocalIsn : -this.liveLocalIsn
    const theirs = isSyn ? 0 : -this.remoteIsn
    return {
      ...s,
      seq: seqAddU(s.seq, ours),
      ack: seqAddU(s.ack, (s.flags & 0x10) === 0 ? 0 : theirs),
      options: s.options.map((o) =>
        o.kind === 'sack'
          ? { ...o, blocks: o.blocks.map(([left, right]) => [seqAddU(left, theirs), seqAddU(right, theirs)] as const) }
          : o,
      ),
    }
  }

  /** The script says `script` where the stack says `live`: the live value in the script's count. */
  mapStamp(script: number, live: number): number {
    this.#stamps.set(script, live)
    this.#firstStamp ??= { script, live }
    return seqAddU(this.#firstStamp.script, live - this.#firstStamp.live)
  }

  /** Flow labels are random; the script says only which packets share one. Returns what is wrong. */
  checkFlowLabel(script: number, live: number): string | undefined {
    if (live === 0) return 'the packet has no flow label'
    const known = this.#flowLabel
    this.#flowLabel = { script, live }
    if (known === undefined || (known.script === script) === (known.live === live)) return undefined
    return known.script === script ? 'the flow label has changed' : 'the flow label has not changed'
  }
}
