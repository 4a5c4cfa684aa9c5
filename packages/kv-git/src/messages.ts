import type { OwnedOp } from '@fata/kv'

const NAMED = 3

/** The message of a commit that was given none. */
export function describeOps(ops: readonly OwnedOp[]): string {
  const told = ops.slice(0, NAMED).map((op) => {
    return op.op === 'rename' ? `rename ${op.source} to ${op.dest}` : `${op.op} ${op.key}`
  })
  const more = ops.length > NAMED ? ` and ${ops.length - NAMED} more` : ''
  return told.join(', ').replaceAll('\n', ' ') + more
}
