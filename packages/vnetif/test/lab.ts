import { MAC_BROADCAST, type Mac, mac, writeMac } from '@fata/addr'
import type { FrameMeta } from '@fata/net'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createPair, createSwitch, type Pair, type PairOptions, type PortOptions, type VnetPort } from '../src/index.ts'

/** What a port has received: `text` behind the link header, and when. */
export interface Heard {
  text: string
  at: number
  meta: FrameMeta
}

export const MACS: readonly Mac[] = [1, 2, 3, 4].map((n) => mac(`02:00:00:00:00:0${n}`))

/** Writes a frame of text: behind an Ethernet header, or bare. */
export function say(port: VnetPort, text: string, dst: Mac = MAC_BROADCAST, src: Mac | undefined = port.mac): void {
  const header = port.medium === 'ethernet' ? 14 : 0
  port.write(header + text.length, (buf, off) => {
    if (header > 0) {
      writeMac(buf, off, dst)
      writeMac(buf, off + 6, src!)
      buf[off + 12] = 0x88
      buf[off + 13] = 0xb5
    }
    for (let i = 0; i < text.length; i++) buf[off + header + i] = text.charCodeAt(i)
    return header + text.length
  })
}

/** Writes `count` bare packets of `length` bytes that begin with their number. */
export function sayNumbers(port: VnetPort, count: number, length = 100): void {
  for (let n = 0; n < count; n++) {
    port.write(length, (buf, off) => {
      buf.fill(0x2e, off, off + length)
      for (let i = 0; i < 6; i++) buf[off + i] = `${n}`.padStart(6, '0').charCodeAt(i)
      return length
    })
  }
}

/** Listens and keeps what comes. */
export function hear({ clock }: VirtualRuntime, port: VnetPort): Heard[] {
  const heard: Heard[] = []
  const header = port.medium === 'ethernet' ? 14 : 0
  port.listen({
    frame(buf, off, end, meta) {
      const text = String.fromCharCode(...buf.subarray(off + header, end))
      heard.push({ text, at: clock.now(), meta: { ...meta } })
    },
  })
  return heard
}

export const texts = (heard: readonly Heard[]): string[] => heard.map(({ text }) => text)
export const times = (heard: readonly Heard[]): number[] => heard.map(({ at }) => at)
/** The numbers of `sayNumbers`. */
export const numbers = (heard: readonly Heard[]): number[] => heard.map(({ text }) => Number(text.slice(0, 6)))

/** A switch with ports of the addresses in `MACS`, each with what it has heard. */
export function switchLab(count: number, options: PortOptions = {}, seed = 1) {
  const runtime = createVirtualRuntime(seed)
  const network = createSwitch(runtime)
  const ports = MACS.slice(0, count).map((mac) => network.port({ mac, ...options }))
  return { runtime, clock: runtime.clock, network, ports, heard: ports.map((port) => hear(runtime, port)) }
}

/** A pair, `b` listening. */
export function pairLab(options: PairOptions = {}, seed = 1): Pair & { runtime: VirtualRuntime; heard: Heard[] } {
  const runtime = createVirtualRuntime(seed)
  const pair = createPair(runtime, options)
  return { ...pair, runtime, heard: hear(runtime, pair.b) }
}
