export { commitUnderFaults, type FaultOptions, type FaultReport, survivesFaults } from './crash/faults.ts'
export { type CrashChild, type CrashOptions, commitUntilKilled, survivesKills } from './crash/kills.ts'
