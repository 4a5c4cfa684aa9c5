import { Key, type KvBatch, type KvCapabilities, type KvSnapshot, type KvWatch } from '@fata/kv'
import { Client } from './client.ts'
import { Endpoints } from './endpoints.ts'
import { Etcd } from './etcd.ts'
import { type EtcdOptions, type ResolvedOptions, resolveEndpoints, resolveOptions } from './options.ts'
import { Watcher } from './watch.ts'
import { KeySpace } from './wire.ts'
import { Writer } from './writer.ts'

/** Of a request: for keys, conditions and what is around them. */
const RESERVED_BYTES = 64 * 1024

/**
 * Connects to a cluster by the client URLs of its members, as a list or separated by commas. Any number of stores may have the
 * same prefix open. Rejects with KvError KV_IO when no member answers, with RangeError or TypeError for options that make no sense.
 */
export async function openEtcd(
  endpoints: string | readonly string[],
  options: EtcdOptions = {},
): Promise<KvBatch & KvWatch & KvSnapshot> {
  const resolved = resolveOptions(options)
  const members = new Endpoints(resolveEndpoints(endpoints), resolved)
  const client = new Client(members)
  const space = new KeySpace(resolved.prefix)
  // Asks for the revision, and whether this is etcd.
  await client.range({ ...space.one(Key.root), keys_only: true })
  const capabilities = capabilitiesOf(resolved)
  const writer = new Writer({
    client,
    space,
    capabilities,
    limits: { maxOps: resolved.maxBatchOps, maxBytes: resolved.maxRequestBytes },
    pause: (n, signal) => members.pause(n, signal),
  })
  const watcher = new Watcher({ client, endpoints: members, space }, resolved)
  return new Etcd({ client, space, capabilities, writer, watcher }, resolved)
}

function capabilitiesOf({ maxBatchOps, maxRequestBytes }: ResolvedOptions): KvCapabilities {
  const bytes = maxRequestBytes - RESERVED_BYTES
  return Object.freeze({
    durability: 'replicated',
    digest: 'sha256',
    maxValueBytes: bytes,
    maxBatchOps,
    maxBatchBytes: bytes,
    lastModifiedResolutionMs: 1,
    appendOnly: false,
    keyNames: 'exact',
  })
}
