import { decodeText, encodeText, toBinary } from './bytes.ts'

export interface GitPerson {
  readonly name: string
  readonly email: string
}

/** Who, and when. */
export interface GitSignature extends GitPerson {
  /** Milliseconds since 1970, whole seconds. */
  readonly timeMs: number
  /** East of Greenwich. */
  readonly offsetMinutes: number
}

export interface GitCommit {
  /** 40 digits of hex, as all ids. */
  readonly id: string
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: GitSignature
  readonly committer: GitSignature
  readonly message: string
}

const ID = /^[0-9a-f]{40}$/

export function isId(text: string): boolean {
  return ID.test(text)
}

/** The content of a commit object. Headers that are not known are passed over. Undefined for what is none. */
export function decodeCommit(id: string, bytes: Uint8Array): GitCommit | undefined {
  // Old commits may be in any encoding; what is no UTF-8 is taken byte by byte.
  const text = decodeText(bytes) ?? toBinary(bytes)
  const end = text.indexOf('\n\n')
  const lines = (end < 0 ? text : text.slice(0, end)).split('\n')
  const values = (name: string) => {
    return lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
  }
  const [tree] = values('tree')
  const parents = values('parent')
  const author = decodeSignature(values('author')[0])
  const committer = decodeSignature(values('committer')[0])
  if (!tree || ![tree, ...parents].every(isId) || !author || !committer) return undefined
  return { id, tree, parents, author, committer, message: end < 0 ? '' : text.slice(end + 2) }
}

export function encodeCommit({ tree, parents, author, committer, message }: Omit<GitCommit, 'id'>): Uint8Array {
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${encodeSignature(author)}`,
    `committer ${encodeSignature(committer)}`,
  ]
  return encodeText(`${lines.join('\n')}\n\n${message}`)
}

/** Throws RangeError, TypeError for a name that a commit cannot hold. */
export function checkPerson(person: GitPerson): GitPerson {
  for (const text of [person.name, person.email]) {
    if (typeof text !== 'string') throw new TypeError('an author has a name and an email')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they would end the line
    if (/[\x00\n<>]/.test(text)) throw new RangeError(`not allowed in an author: ${JSON.stringify(text)}`)
  }
  if (person.name.trim() === '') throw new RangeError('an author has a name')
  return { name: person.name.trim(), email: person.email.trim() }
}

/** Ends with a line feed. Throws RangeError, TypeError. */
export function checkMessage(message: string): string {
  if (typeof message !== 'string') throw new TypeError('a message is a string')
  if (message.includes('\0')) throw new RangeError('a message holds no NUL')
  return `${message.trimEnd()}\n`
}

const SIGNATURE = /^(.*?) ?<([^>]*)> (\d{1,13}) ([+-])(\d{2})(\d{2})$/

function decodeSignature(line: string | undefined): GitSignature | undefined {
  const match = SIGNATURE.exec(line ?? '')
  if (!match) return undefined
  const [, name = '', email = '', seconds, sign, hours, minutes] = match
  const offsetMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  return { name, email, timeMs: Number(seconds) * 1000, offsetMinutes: offsetMinutes || 0 }
}

function encodeSignature({ name, email, timeMs, offsetMinutes }: GitSignature): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const offset = Math.abs(offsetMinutes)
  const zone = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(offset / 60))}${two(offset % 60)}`
  return `${name} <${email}> ${Math.floor(timeMs / 1000)} ${zone}`
}
