import { expect, test } from 'vitest'
import { bytesOf } from '../../../shared/dt/settings.ts'

test.each([
  ['', Number.POSITIVE_INFINITY],
  ['0', 0],
  ['1500', 1500],
  ['1k', 1000],
  ['1Ki', 1024],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['10Gi', 10 * 2 ** 30],
  ['2T', 2e12],
  ['2Ti', 2 ** 41],
  ['1500m', 1],
])('the quantity %j has %d bytes', (quantity, bytes) => expect(bytesOf(quantity)).toBe(bytes))
