import { closeSync, openSync, writeSync } from 'node:fs'
import type { Net } from '@fata/net'
import { capture as record } from '@fata/pcap'
import type { Context } from './command.ts'
import { CommandError } from './errors.ts'

/** A device that may be recorded. */
export interface Recorded {
  readonly net: Net
  /** Completes the file; after the device has been closed. */
  close(): void
}

/** Records `net` in the file that `--pcap` names, or leaves it as it is. */
export function capture(context: Context, net: Net, name: string): Recorded {
  const file = context.values['pcap']
  if (typeof file !== 'string') return { net, close: () => {} }
  let fd: number
  try {
    fd = openSync(file, 'w')
  } catch (cause) {
    throw new CommandError(`cannot write the capture: ${(cause as Error).message}`, { cause })
  }
  const sink = (bytes: Uint8Array): void => void writeSync(fd, bytes)
  const recorded = record(net, { sink, clock: context.runtime.clock }, { name })
  return { net: recorded, close: () => closeSync(fd) }
}
