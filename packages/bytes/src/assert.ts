/** Crashes on a broken invariant of ours; `why` says why the condition must hold. Never for input of a peer or of a caller. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${why}`)
}
