import { describe, expect, test } from 'vitest'
import { attachment } from '../../../shared/http/disposition.ts'

describe('Content-Disposition of', () => {
  test.each([
    ['input.xlsx', 'attachment; filename=input.xlsx'],
    ['a b.txt', 'attachment; filename="a b.txt"'],
    ['a;b.txt', 'attachment; filename="a;b.txt"'],
    ['../../etc/passwd', 'attachment; filename=passwd'],
    ['C:\\temp\\x.csv', 'attachment; filename=x.csv'],
    ['sub/', 'attachment'],
    ['', 'attachment'],
    ['naïve.xlsx', `attachment; filename="na_ve.xlsx"; filename*=UTF-8''na%C3%AFve.xlsx`],
    ['名前.xlsx', `attachment; filename="__.xlsx"; filename*=UTF-8''%E5%90%8D%E5%89%8D.xlsx`],
    ['😀.txt', `attachment; filename="_.txt"; filename*=UTF-8''%F0%9F%98%80.txt`],
    ['a"b.txt', `attachment; filename="a_b.txt"; filename*=UTF-8''a%22b.txt`],
    ['100%25.txt', `attachment; filename="100_25.txt"; filename*=UTF-8''100%2525.txt`],
    ["it's (1)*.txt", `attachment; filename="it's (1)*.txt"`],
    ["ï's (1)*", `attachment; filename="_'s (1)*"; filename*=UTF-8''%C3%AF%27s%20%281%29%2A`],
    [`${'a'.repeat(255)}`, `attachment; filename=${'a'.repeat(255)}`],
    [
      `${'a'.repeat(300)}.tar.gz`,
      `attachment; filename="${'a'.repeat(238)}_${'a'.repeat(9)}.tar.gz"; filename*=UTF-8''${'a'.repeat(238)}%E2%80%A6${'a'.repeat(9)}.tar.gz`,
    ],
    [
      'a\r\nset-cookie: x=1',
      `attachment; filename="a__set-cookie: x=1"; filename*=UTF-8''a%0D%0Aset-cookie%3A%20x%3D1`,
    ],
    ['\0\x7f', `attachment; filename="__"; filename*=UTF-8''%00%7F`],
    ['\ud800', `attachment; filename="_"; filename*=UTF-8''%EF%BF%BD`],
  ])('%j is %s', (filename, header) => {
    expect(attachment(filename)).toBe(header)
    expect(() => new Headers({ 'content-disposition': header })).not.toThrow()
  })

  test.each(['名', '😀', 'ö', '"', '\ud800', '%', 'a'])('%s, as often as it may be, is below 4 KiB', (character) => {
    for (const length of [255, 100_000])
      expect(attachment(character.repeat(length)).length).toBeLessThan(4096 - 'content-disposition: \r\n'.length)
  })
})
