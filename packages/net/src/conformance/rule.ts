import type { Scene } from './scene.ts'

/** One rule of the contract. */
export interface Rule {
  readonly name: string
  readonly run: (scene: Scene) => Promise<void>
}
