import { describe, expect, test } from 'vitest'
import { CLOSED, closedAround, closedWithin, parseBlock } from '../../../shared/platform/cidr.ts'

describe('a block', () => {
  test.each([
    ['10.0.0.0/8', { address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
    ['010.0.000.0/8', { address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
    ['10.1.2.3/8', { address: '10.1.2.3', prefix: 8, family: 'ipv4' }],
    ['0.0.0.0/0', { address: '0.0.0.0', prefix: 0, family: 'ipv4' }],
    ['::/0', { address: '::', prefix: 0, family: 'ipv6' }],
    ['fd00:ec2::254/128', { address: 'fd00:ec2::254', prefix: 128, family: 'ipv6' }],
    ['1:2:3:4:5:6:7:8/128', { address: '1:2:3:4:5:6:7:8', prefix: 128, family: 'ipv6' }],
  ])('%s', (text, block) => expect(parseBlock(text)).toEqual(block))

  test.each([
    '',
    '10.0.0.0',
    '10.0.0/8',
    '10.0.0.256/8',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'a.b.c.d/8',
    '::1/129',
    '1:2:3:4:5:6:7/64',
    '1:2:3:4:5:6:7:8:9/64',
    '1::2::3/64',
    '12345::/16',
    '1:2:3:4:5:6:7::8/64',
    ':::/0',
    '::ffff:1.2.3.4/96',
    'fe80::1%eth0/64',
    '0010.0.0.0/8',
  ])('%j is none', (text) => expect(parseBlock(text)).toBeUndefined())
})

test.each([
  ['169.254.169.254/32', '169.254.0.0/16'],
  ['169.254.0.0/16', '169.254.0.0/16'],
  ['127.0.0.1/32', '127.0.0.0/8'],
  ['168.63.129.16/32', '168.63.129.16/32'],
  ['fe80::1/64', 'fe80::/10'],
  ['febf::/16', 'fe80::/10'],
  ['::ffff:7f00:1/128', undefined],
  ['fd00:ec2::254/128', 'fd00:ec2::254/128'],
  ['10.0.0.0/8', undefined],
  ['168.0.0.0/5', undefined],
  ['0.0.0.0/0', undefined],
  ['fd00::/8', undefined],
  ['fec0::/10', undefined],
])('%s lies in %s', (text, around) => {
  const block = parseBlock(text)
  expect(block && closedAround(block)).toBe(around)
})

test.each([
  ['0.0.0.0/0', CLOSED.filter((one) => one.includes('.'))],
  ['::/0', CLOSED.filter((one) => one.includes(':'))],
  ['168.0.0.0/5', ['169.254.0.0/16', '168.63.129.16/32']],
  ['fd00::/8', ['fd00:ec2::254/128', 'fd20:ce::254/128']],
  ['10.0.0.0/8', []],
])('%s has in it %j', (text, within) => expect(closedWithin(text)).toEqual(within))
