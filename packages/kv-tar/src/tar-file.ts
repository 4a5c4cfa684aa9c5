import type { TarSource } from './source.ts'

/**
 * What a store asks of the file that it appends to: the port over which a simulated one can stand in. Nobody else writes to
 * it. Failures carry Node's `code`, such as ENOSPC.
 */
export interface TarFile extends TarSource {
  /** In bytes. */
  size(): number
  /** How many bytes were written, which may be fewer than given. What is skipped by `position` reads as zeros. */
  write(bytes: Uint8Array, position: number): number | Promise<number>
  truncate(size: number): void
  /** Makes all that was written and cut durable. */
  sync(): Promise<void>
  close(): void | Promise<void>
}
