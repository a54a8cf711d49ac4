import { describe, expect, it } from 'vitest'
import { asCents, change, money } from './money'

describe('money', () => {
  it('is shown to the 分, with its direction', () => {
    expect([0, 5, 1000, 123456, 1234567890, -805].map(money)).toEqual(['¥0.00', '¥0.05', '¥10.00', '¥1,234.56', '¥12,345,678.90', '−¥8.05'])
    expect([500, -500, 0].map(change)).toEqual(['+¥5.00', '−¥5.00', '¥0.00'])
  })
  it('is read without floating point', () => {
    expect(['100', '0.1', '19.99', '1,234.5', '¥20', '-3.05', ' 7 '].map(asCents)).toEqual([10000, 10, 1999, 123450, 2000, -305, 700])
    expect(['', 'ten', '1.234', '1e3', '--5', '9999999999'].map(asCents)).toEqual([undefined, undefined, undefined, undefined, undefined, undefined])
  })
})
