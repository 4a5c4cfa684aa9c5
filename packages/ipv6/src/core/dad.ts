/**
 * Duplicate Address Detection of one tentative address: RFC 4862 §5.4, with the nonces of RFC 7527 §4 that tell a probe which the
 * link has looped back from somebody else's. NS(DAD) is a neighbor solicitation whose source is `::`.
 *
 *   state    event                                    action               new state
 *   -------  ---------------------------------------  -------------------  ---------
 *   waiting  delay passed                             join group, NS(DAD)  probing
 *   waiting  NA, or NS(DAD), for the address          -                    duplicate
 *   probing  NA for the address                       -                    duplicate
 *   probing  NS(DAD), nonce is not ours               -                    duplicate
 *   probing  NS(DAD), nonce is ours                   remember             probing
 *   probing  RetransTimer, probes left                NS(DAD)              probing
 *   probing  RetransTimer, none left, one looped      more NS(DAD)         probing
 *   probing  RetransTimer, none left                  -                    unique
 */
export type Dad =
  | { readonly kind: 'waiting'; readonly at: number }
  | {
      readonly kind: 'probing'
      /** Solicitations still to be sent. */
      readonly left: number
      readonly at: number
      /** A probe has come back since the last one was sent. */
      readonly looped: boolean
      /** Of the probes sent, newest last. */
      readonly nonces: readonly string[]
    }

/** What the time has brought: the next state, with a probe to be sent, or the finding that nobody has the address. */
export type DadStep = { readonly kind: 'probe'; readonly next: Dad } | { readonly kind: 'unique' }

/** The nonces of so many probes are remembered. */
const REMEMBERED = 8

/** `at` is when the group is joined and the first probe is sent. */
export function startDad(at: number): Dad {
  return { kind: 'waiting', at }
}

/**
 * The time `dad.at` has come. `nonce` is for the probe that may be due, `transmits` is DupAddrDetectTransmits, `again` the number of
 * probes after one has been looped back.
 */
export function dadTimeout(
  dad: Dad,
  now: number,
  nonce: string,
  timing: { readonly transmits: number; readonly again: number; readonly retransMs: number },
): DadStep {
  const left = dad.kind === 'waiting' ? timing.transmits : dad.left === 0 && dad.looped ? timing.again : dad.left
  if (left === 0) return { kind: 'unique' }
  const before = dad.kind === 'waiting' ? [] : dad.nonces.slice(1 - REMEMBERED)
  const next: Dad = {
    kind: 'probing',
    left: left - 1,
    at: now + timing.retransMs,
    looped: false,
    nonces: [...before, nonce],
  }
  return { kind: 'probe', next }
}

/** An NS(DAD) for the address was heard: the next state, or undefined where another node wants the address, too. */
export function dadHeardProbe(dad: Dad, nonce: string | undefined): Dad | undefined {
  if (dad.kind === 'waiting' || nonce === undefined || !dad.nonces.includes(nonce)) return undefined
  return { ...dad, looped: true }
}
