/**
 * `a + n` in sequence space, signed: the form in which this package keeps every sequence number, so that `===` compares and engines
 * need not box it. Order is that of `serialLt` and its kin in @fata/bytes.
 */
export function seqAdd(a: number, n: number): number {
  return (a + n) | 0
}
