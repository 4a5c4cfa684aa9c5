import { type IpAddress, ipEquals } from '@fata/addr'
import { EVERY_SOURCE, type GroupMembership, passesFilter, type SourceFilter } from '@fata/ip'

interface Entry {
  readonly group: IpAddress
  filter: SourceFilter
  readonly membership: GroupMembership
}

/** The groups that one socket is in: RFC 3376 §3.1, RFC 3810 §4.1. */
export class Memberships {
  #entries: readonly Entry[] = []

  /** Keeps what the IP layer gave for the socket, and returns what the socket's owner gets. */
  add(group: IpAddress, membership: GroupMembership, filter: SourceFilter = EVERY_SOURCE): GroupMembership {
    const entry: Entry = { group, filter, membership }
    this.#entries = [...this.#entries, entry]
    return {
      change: (next) => {
        membership.change(next)
        entry.filter = next
      },
      leave: () => {
        this.#entries = this.#entries.filter((other) => other !== entry)
        membership.leave()
      },
    }
  }

  /** Whether a datagram from `source` to `group` passes. A group that the socket is not in it hears where somebody else here is. */
  pass(group: IpAddress, source: IpAddress): boolean {
    const entries = this.#entries
    let isIn = false
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      if (!ipEquals(entry.group, group)) continue
      if (passesFilter(entry.filter, source)) return true
      isIn = true
    }
    return !isIn
  }

  leaveAll(): void {
    for (const { membership } of this.#entries) membership.leave()
    this.#entries = []
  }
}
