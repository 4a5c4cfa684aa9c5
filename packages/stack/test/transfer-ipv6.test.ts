import { describe } from 'vitest'
import { testTransfers } from './support/transfers.ts'

describe('TCP over IPv6 and a bad network, in virtual time', () => testTransfers(6, 101))
