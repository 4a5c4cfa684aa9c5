import type { IpAddress, Mac } from '@fata/addr'

/** Maps the address of a next hop to its link-layer address: ARP for IPv4. */
export interface Neighbors<A extends IpAddress = IpAddress> {
  /** The answer that is there now, or undefined. Starts no query. Called per packet. */
  lookup(address: A): Mac | undefined
  /**
   * Calls `done` exactly once, with undefined where nobody answered: at once for a known address, else when the query ends. Concurrent
   * queries for one address share their packets.
   */
  resolve(address: A, done: (mac: Mac | undefined) => void): void
}
