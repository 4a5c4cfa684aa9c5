import { compareSegments, type Key, type KvKind } from '@fata/kv'

export interface ValueNode {
  readonly kind: 'value'
  readonly bytes: Uint8Array
  readonly lastModified: number
  /** Computed when first asked for. */
  digest: Uint8Array | undefined
}

export interface DictionaryNode {
  readonly kind: 'dictionary'
  /** The writes that may change this node in place; nodes of older epochs belong to a snapshot and are copied first. */
  readonly epoch: number
  readonly children: Map<string, TreeNode>
  /** The names in order, until one comes or goes. */
  sorted: string[] | undefined
}

export type TreeNode = ValueNode | DictionaryNode

export function emptyTree(epoch: number): DictionaryNode {
  return { kind: 'dictionary', epoch, children: new Map(), sorted: undefined }
}

/** What is bound to the key; undefined for nothing, also below a value. */
export function find(root: DictionaryNode, segments: readonly string[]): TreeNode | undefined {
  let node: TreeNode | undefined = root
  for (let i = 0; i < segments.length; i++) {
    if (node?.kind !== 'dictionary') return undefined
    node = node.children.get(segments[i]!)
  }
  return node
}

/** The root of the tree with the value in it; `root` itself where its epoch allows. Below a value it may not be. */
export function withValue(root: DictionaryNode, key: Key, value: ValueNode, epoch: number): DictionaryNode {
  const top = own(root, epoch)
  let at = top
  const last = key.segments.length - 1
  for (let i = 0; i < last; i++) {
    const child = at.children.get(key.segments[i]!)
    const next = child?.kind === 'dictionary' ? own(child, epoch) : emptyTree(epoch)
    if (next !== child) put(at, key.segments[i]!, next)
    at = next
  }
  put(at, key.segments[last]!, value)
  return top
}

/** The root of the tree without the value and without the dictionaries that this leaves empty. The value must be there. */
export function withoutValue(root: DictionaryNode, key: Key, epoch: number): DictionaryNode {
  const top = own(root, epoch)
  const path = [top]
  for (const segment of key.segments.slice(0, -1)) {
    const at = path.at(-1)!
    const child = own(at.children.get(segment) as DictionaryNode, epoch)
    at.children.set(segment, child)
    path.push(child)
  }
  for (let i = path.length - 1; i >= 0; i--) {
    const at = path[i]!
    at.children.delete(key.segments[i]!)
    at.sorted = undefined
    if (at.children.size > 0) break
  }
  return top
}

function own(node: DictionaryNode, epoch: number): DictionaryNode {
  if (node.epoch === epoch) return node
  return { kind: 'dictionary', epoch, children: new Map(node.children), sorted: node.sorted }
}

function put(at: DictionaryNode, name: string, child: TreeNode): void {
  if (!at.children.has(name)) at.sorted = undefined
  at.children.set(name, child)
}

/** The children in order, as a page. */
export function children(
  node: DictionaryNode,
  key: Key,
  after: string | undefined,
  limit: number | undefined,
): Array<[Key, KvKind]> {
  node.sorted ??= [...node.children.keys()].sort(compareSegments)
  const from = after === undefined ? 0 : firstAfter(node.sorted, after)
  const names = node.sorted.slice(from, limit === undefined ? undefined : from + limit)
  return names.map((name) => [key.child(name), node.children.get(name)!.kind])
}

function firstAfter(sorted: readonly string[], name: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareSegments(sorted[middle]!, name) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

/** The keys of all values at and below the node. */
export function valuesBelow(node: TreeNode | undefined, key: Key, found: Key[] = []): Key[] {
  if (node?.kind === 'value') found.push(key)
  else for (const [name, child] of node?.children ?? []) valuesBelow(child, key.child(name), found)
  return found
}
