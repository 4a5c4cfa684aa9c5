export { type BootArguments, type ParsedBootArguments, parseBootArguments } from './boot-arguments.ts'
export { StackError, type StackErrorCode } from './errors.ts'
