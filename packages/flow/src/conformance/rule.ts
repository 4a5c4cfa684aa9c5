import type { Scene } from './scene.ts'

/** What an implementation can do. What is denied must indeed not work. */
export interface FlowSupports {
  /** One direction can end while the other goes on. Default true. */
  readonly halfClose?: boolean
  /** The peer can tell an abort from an end. Default true. */
  readonly reset?: boolean
}

/** One rule of the contract. */
export interface Rule {
  readonly name: string
  /** The rule is for flows that can do this. */
  readonly needs?: keyof FlowSupports
  /** The rule is for flows that cannot. */
  readonly lacks?: keyof FlowSupports
  readonly run: (scene: Scene) => Promise<void>
}
