/** The script is not one, or what it asks of packets and calls contradicts itself. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** The stack has done something else than the script says. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch'
}

/** The script needs something that this host does not have; it says nothing about the stack. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported'
}
