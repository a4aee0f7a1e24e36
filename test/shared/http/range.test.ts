import { describe, expect, test } from 'vitest'
import { select } from '../../../shared/http/range.ts'

const ETAG = '"abc"'
const whole = { from: 0, to: 99 }

describe('of 100 bytes', () => {
  test.each([
    [undefined, 200, whole],
    ['bytes=0-0', 206, { from: 0, to: 0 }],
    ['bytes=0-', 206, whole],
    ['bytes=10-19', 206, { from: 10, to: 19 }],
    ['BYTES = 10-19', 200, whole],
    ['Bytes=10-19', 206, { from: 10, to: 19 }],
    ['bytes= 10-19 ', 206, { from: 10, to: 19 }],
    ['bytes=10 - 19', 200, whole],
    [`bytes=${'0'.repeat(100)}-0`, 200, whole],
    ['bytes=90-', 206, { from: 90, to: 99 }],
    ['bytes=90-1000', 206, { from: 90, to: 99 }],
    ['bytes=99-99', 206, { from: 99, to: 99 }],
    ['bytes=-1', 206, { from: 99, to: 99 }],
    ['bytes=-100', 206, whole],
    ['bytes=-1000', 206, whole],
    ['bytes=100-', 416, { from: 100, to: 99 }],
    ['bytes=100-200', 416, { from: 100, to: 99 }],
    ['bytes=-0', 416, { from: 100, to: 99 }],
    ['bytes=99999999999999999999-', 416, { from: 1e20, to: 99 }],
    ['bytes=19-10', 200, whole],
    ['bytes=-', 200, whole],
    ['bytes=a-b', 200, whole],
    ['bytes=0-1,5-6', 200, whole],
    ['lines=0-1', 200, whole],
    ['', 200, whole],
  ])('Range: %s is %i', (range, status, part) => {
    expect(select('GET', range === undefined ? {} : { range }, ETAG, 100)).toEqual({ status, ...part })
  })

  test('a range is nothing to HEAD', () =>
    expect(select('HEAD', { range: 'bytes=0-0' }, ETAG, 100)).toEqual({ status: 200, ...whole }))
})

describe('of no bytes', () => {
  test.each([
    [undefined, 200],
    ['bytes=0-0', 416],
    ['bytes=0-', 416],
    ['bytes=-5', 416],
  ])('Range: %s is %i', (range, status) =>
    expect(select('GET', range === undefined ? {} : { range }, ETAG, 0).status).toBe(status),
  )
})

describe('If-None-Match', () => {
  test.each([
    ['"abc"', 304],
    ['W/"abc"', 304],
    ['"x", "abc" , "y"', 304],
    ['*', 304],
    ['"x"', 200],
    ['abc', 200],
    ['"ab"', 200],
    ['', 200],
  ])('%s is %i', (tag, status) => {
    expect(select('GET', { 'if-none-match': tag }, ETAG, 100).status).toBe(status)
    expect(select('HEAD', { 'if-none-match': tag }, ETAG, 100).status).toBe(status)
  })
  test('goes before a range', () =>
    expect(select('GET', { 'if-none-match': ETAG, range: 'bytes=0-1' }, ETAG, 100).status).toBe(304))
})

describe('If-Range', () => {
  test.each([
    ['"abc"', 206],
    ['W/"abc"', 200],
    ['"other"', 200],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 200],
  ])('%s is %i', (condition, status) =>
    expect(select('GET', { range: 'bytes=0-1', 'if-range': condition }, ETAG, 100).status).toBe(status),
  )
})
