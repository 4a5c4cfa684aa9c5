import type { FlowSupports, Rule } from './rule.ts'
import { abortRules } from './rules-abort.ts'
import { bytesRules } from './rules-bytes.ts'
import { endRules } from './rules-end.ts'
import { facesRules } from './rules-faces.ts'
import { signalRules } from './rules-signal.ts'
import { type FlowEnds, inScene } from './scene.ts'

export type { FlowSupports } from './rule.ts'

/** How the suite is run. `describe` and `it` are the test runner's. */
export interface FlowSuiteOptions {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: ((name: string, body: () => Promise<void>) => unknown) & {
    readonly skip?: (name: string, body: () => Promise<void>) => unknown
  }
  /** Makes a fresh pair of connected flows, both with nothing to read and with room for at least 1000 unread bytes. */
  readonly create: () => FlowEnds | Promise<FlowEnds>
  readonly supports?: FlowSupports
  /** Rules that the flow cannot keep, by name, and why. The reason is shown in the test's name. */
  readonly skip?: readonly { readonly name: string; readonly reason: string }[]
}

const SECTIONS: readonly (readonly [string, readonly Rule[]])[] = [
  ['bytes', bytesRules],
  ['shutdown and close', endRules],
  ['abort', abortRules],
  ['signals', signalRules],
  ['faces', facesRules],
]

/** Declares one test per rule of the contract of `Flow`. Throws a TypeError where `skip` names no rule. */
export function suite(options: FlowSuiteOptions): void {
  const { describe, it, create, supports = {}, skip = [] } = options
  const can = { halfClose: true, reset: true, ...supports }
  const names = SECTIONS.flatMap(([, rules]) => rules.map((rule) => rule.name))
  for (const { name } of skip) if (!names.includes(name)) throw new TypeError(`no rule is named '${name}'`)
  const applies = (rule: Rule): boolean =>
    (rule.needs === undefined || can[rule.needs]) && (rule.lacks === undefined || !can[rule.lacks])
  const skipped = it.skip ?? ((name: string) => it(name, async () => {}))
  for (const [section, rules] of SECTIONS) {
    describe(`Flow: ${section}`, () => {
      for (const rule of rules.filter(applies)) {
        const reason = skip.find(({ name }) => name === rule.name)?.reason
        const body = (): Promise<void> => inScene(create, rule.run)
        if (reason === undefined) it(rule.name, body)
        else skipped(`${rule.name} (skipped: ${reason})`, body)
      }
    })
  }
}
