export type { NetBench, NetEnds, Observe } from './conformance/fixture.ts'
export { type NetSuiteOptions, type NetSupports, suite } from './conformance/suite.ts'
