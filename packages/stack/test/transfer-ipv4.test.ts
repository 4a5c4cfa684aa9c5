import { describe } from 'vitest'
import { testTransfers } from './support/transfers.ts'

describe('TCP over IPv4 and a bad network, in virtual time', () => testTransfers(4, 1))
