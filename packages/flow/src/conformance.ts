export type { FlowEnds } from './conformance/scene.ts'
export { type FlowSuiteOptions, type FlowSupports, suite } from './conformance/suite.ts'
