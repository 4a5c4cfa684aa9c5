/** Where an archive is read from: the whole of it, uncompressed, unchanged while it is read. */
export interface TarSource {
  /**
   * The bytes `[offset, offset + length)`, fewer only where the archive ends; none from there on. They become the caller's.
   * What it throws or rejects with becomes the `cause` of a KvError KV_IO.
   */
  read(offset: number, length: number, signal?: AbortSignal): Uint8Array | Promise<Uint8Array>
  /**
   * The same, into memory that is handed in, as much as there is room for: how many bytes. Used for headers where it is there:
   * memory that is used again stays in the processor's cache.
   */
  readInto?(into: Uint8Array, offset: number, signal?: AbortSignal): number | Promise<number>
  /** Called once, when the store is disconnected and the last read is over. */
  close?(): void | Promise<void>
}

/** The archive is in memory; it must not change. */
export function bytesSource(archive: Uint8Array): TarSource {
  return { read: (offset, length) => new Uint8Array(archive.subarray(offset, offset + length)) }
}

/** A Blob or a File, of which only what is asked for is read. */
export function blobSource(archive: Blob): TarSource {
  return {
    read: async (offset, length) => new Uint8Array(await archive.slice(offset, offset + length).arrayBuffer()),
  }
}
