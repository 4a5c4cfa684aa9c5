import { type Random, randomBelow } from '@fata/runtime'
import type { TcpOptions } from '../../../src/index.ts'
import { type LinkOptions, OFFLOAD, type PairOptions } from '../pair.ts'

/** A link whose options can be changed while packets are on it. */
export type MutableLink = { -readonly [K in keyof LinkOptions]: LinkOptions[K] }

/** How the application at an end reads. */
export type Reading = 'greedy' | 'dripping' | 'sleepy'

/** What a whole run is made of; everything follows from the seed. */
export interface Scenario {
  readonly pair: PairOptions
  readonly links: readonly [MutableLink, MutableLink]
  readonly bytes: readonly [number, number]
  readonly reading: readonly [Reading, Reading]
  /** Receivers throw away what they hold out of order, which SACK lets them (RFC 2018 §8). */
  readonly reneges: boolean
  /** Windows are taken back, segments come again with other contents, ACKs come for what was never sent. */
  readonly hostile: boolean
}

const KIB = 1024

export class Dice {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  below(n: number): number {
    return randomBelow(this.#random, n)
  }

  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  /** From 0 up to `max`, in steps of a thousandth. */
  upTo(max: number): number {
    return (this.below(1001) * max) / 1000
  }
}

/** A packet is lost with a probability that depends on a state which lasts for a while (Gilbert and Elliott). */
export function burstLoss(dice: Dice): (() => boolean) | undefined {
  if (!dice.oneIn(4)) return undefined
  const [enter, leave, loss] = [dice.upTo(0.02), 0.05 + dice.upTo(0.5), 0.3 + dice.upTo(0.7)]
  let bad = false
  return () => {
    bad = bad ? dice.upTo(1) >= leave : dice.upTo(1) < enter
    return bad && dice.upTo(1) < loss
  }
}

/** Draws one direction of a path anew. */
export function drawLink(dice: Dice, link: MutableLink): void {
  link.latencyMs = dice.of([0.1, 1, 10, 50, 200])
  link.jitterMs = dice.oneIn(2) ? 0 : dice.upTo(dice.of([1, 10, 60]))
  link.loss = dice.oneIn(2) ? 0 : dice.upTo(dice.of([0.01, 0.05, 0.15]))
  link.duplicate = dice.oneIn(3) ? dice.upTo(0.1) : 0
  link.corrupt = dice.oneIn(4) ? dice.upTo(0.03) : 0
  link.rate = dice.of([20, 200, 2000, Number.POSITIVE_INFINITY])
  link.queueBytes = dice.of([6000, 30_000, 300_000])
  link.markBytes = dice.of([2000, 20_000, Number.POSITIVE_INFINITY])
}

function drawOptions(dice: Dice, hostile: boolean): TcpOptions {
  const receive = dice.of([1500, 8 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB])
  const send = dice.of([2 * KIB, 64 * KIB, 256 * KIB])
  return {
    receiveBufferBytes: receive,
    receiveBufferMaxBytes: dice.oneIn(2) ? receive : 4096 * KIB,
    sendBufferBytes: send,
    sendBufferMaxBytes: dice.oneIn(2) ? send : 4096 * KIB,
    // Of contradicting segments the first is not the one that stays where it was not kept.
    reassemblyRanges: hostile ? 512 : dice.of([2, 512]),
    timestamps: !dice.oneIn(4),
    sack: !dice.oneIn(4),
    windowScale: !dice.oneIn(4),
    ecn: dice.of(['off', 'accept', 'request']),
    noDelay: dice.oneIn(2),
    congestion: dice.of(['cubic', 'cubic', 'newreno', 'bbr']),
    parkAfterMs: dice.of([0, 1000, Number.POSITIVE_INFINITY]),
    // An end that has gone for good is not what is looked for here.
    userTimeoutMs: 3_600_000,
  }
}

/** Draws a scenario. */
export function drawScenario(seed: number, dice: Dice): Scenario {
  const links: [MutableLink, MutableLink] = [{}, {}]
  for (const link of links) {
    drawLink(dice, link)
    const burst = burstLoss(dice)
    if (burst !== undefined) link.drop = burst
  }
  const [there, back] = links
  const hostile = dice.oneIn(4)
  return {
    links,
    pair: {
      seed,
      v6: dice.oneIn(2),
      mtu: dice.of([300, 1280, 1480, 8980]),
      startAt: dice.of([0, 2 ** 31 - 5000]),
      ...(dice.oneIn(3) ? { offload: OFFLOAD } : {}),
      link: there,
      back,
      a: drawOptions(dice, hostile),
      b: drawOptions(dice, hostile),
    },
    bytes: [dice.of([1, 3000, 40_000, 120_000]), dice.of([0, 1, 3000, 60_000])],
    reading: [dice.of(['greedy', 'dripping', 'sleepy']), dice.of(['greedy', 'greedy', 'dripping', 'sleepy'])],
    reneges: !hostile && dice.oneIn(4),
    hostile,
  }
}
