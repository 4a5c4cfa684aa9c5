/** The command line is wrong: one line to the user, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command could not do its work: one line to the user, exit status 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** Codes of errors that mean a wrong command line rather than a failure. */
const USAGE_CODES = new Set([
  'ERR_STACK_ARGUMENT',
  'ERR_STACK_CONFIG',
  'ERR_PARSE_ARGS_UNKNOWN_OPTION',
  'ERR_PARSE_ARGS_INVALID_OPTION_VALUE',
])

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}

/** 2 where the command line is wrong, else 1. */
export function exitStatus(error: unknown): 1 | 2 {
  return error instanceof UsageError || USAGE_CODES.has(codeOf(error)) ? 2 : 1
}

/** The error in one line. A stack trace is for errors that nobody foresaw: those have no code. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof UsageError || error instanceof CommandError || codeOf(error) !== '')
    return error.message.replace(/\s*\n\s*/g, ' ')
  return error.stack ?? error.message
}
