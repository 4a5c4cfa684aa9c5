import type { NetBench, NetEnds, Observe } from './fixture.ts'
import type { Rule } from './rule.ts'
import { closeRules } from './rules-close.ts'
import { offloadRules } from './rules-offload.ts'
import { receiveRules } from './rules-receive.ts'
import { writeRules } from './rules-write.ts'
import { inScene } from './scene.ts'

/** What a device or its surroundings may lack. Everything is supported by default. */
export interface NetSupports {
  /** Nobody but the test uses the wire, so that receive counters are exact. A kernel, for one, chatters. */
  readonly quiet?: boolean
}

/** How the suite is run. `describe` and `it` are the test runner's. */
export interface NetSuiteOptions {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: ((name: string, body: () => Promise<void>) => unknown) & {
    readonly skip?: (name: string, body: () => Promise<void>) => unknown
  }
  /**
   * Makes a fresh device, open, without a listener, with an MTU of at least 256, and its other end, which reports every frame to
   * `observe`.
   */
  readonly create: (observe: Observe) => NetBench | NetEnds | Promise<NetBench | NetEnds>
  readonly supports?: NetSupports
  /** Rules that the device cannot keep, by name, and why. The reason is shown in the test's name. */
  readonly skip?: readonly { readonly name: string; readonly reason: string }[]
}

const SECTIONS: readonly (readonly [string, readonly Rule[]])[] = [
  ['write', writeRules],
  ['listen', receiveRules],
  ['close', closeRules],
  ['offload', offloadRules],
]

/** Declares one test per rule of the contract of `Net`. Throws a TypeError where `skip` names no rule. */
export function suite(options: NetSuiteOptions): void {
  const { describe, it, create, supports = {}, skip = [] } = options
  const names = SECTIONS.flatMap(([, rules]) => rules.map((rule) => rule.name))
  for (const { name } of skip) if (!names.includes(name)) throw new TypeError(`no rule is named '${name}'`)
  for (const [section, rules] of SECTIONS) {
    describe(`Net: ${section}`, () => {
      for (const rule of rules) {
        const reason = skip.find(({ name }) => name === rule.name)?.reason
        const body = (): Promise<void> => inScene(create, supports.quiet ?? true, rule.run)
        if (reason === undefined) it(rule.name, body)
        else (it.skip ?? skipped)(`${rule.name} (skipped: ${reason})`, body)

        function skipped(name: string): void {
          it(name, async () => {})
        }
      }
    })
  }
}
