/** `a + b` in sequence space, as an unsigned number. */
export function seqAddU(a: number, b: number): number {
  return (((a + b) % 2 ** 32) + 2 ** 32) % 2 ** 32
}
