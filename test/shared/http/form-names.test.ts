/** Names of files as clients send them: the raw bytes of each, and the name that the user gave. */
import { describe, expect, test } from 'vitest'
import { formFile } from '../../../shared/http/multipart.ts'
import { allOf, inPieces } from '../../conformance/files/blob-subject.ts'

/** Texts are UTF-8; numbers are bytes as they are. */
type Raw = readonly (string | readonly number[])[]
const bytesOf = (raw: Raw): Buffer =>
  Buffer.concat(raw.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece))))

async function nameIn(disposition: Raw, headers: Record<string, string> = {}): Promise<string | undefined> {
  const body = Buffer.concat([
    Buffer.from('--edge\r\nContent-Type: text/csv\r\nContent-Disposition: '),
    bytesOf(disposition),
    Buffer.from('\r\n\r\ndata\r\n--edge--\r\n'),
  ])
  const all = { 'content-type': 'multipart/form-data; boundary=edge', ...headers }
  const { filename, content } = await formFile(all, inPieces(body, 5), 'file')
  expect((await allOf(content)).toString()).toBe('data')
  return filename
}

const quoted = (...name: Raw): Raw => ['form-data; name="file"; filename="', ...name, '"']
const AIOHTTP = { 'user-agent': 'Python/3.13 aiohttp/3.13.2' }

describe('a name', () => {
  test.each<[client: string, raw: Raw, name: string, headers?: Record<string, string>]>([
    ['curl, UTF-8', quoted('Größe 名前 😀.csv'), 'Größe 名前 😀.csv'],
    ['curl on Windows, cp1252', quoted('Gr', [0xf6, 0xdf], 'e.csv'), 'Größe.csv'],
    ['curl on Windows, cp1252 beyond Latin-1', quoted([0x80], '100 ', [0x93], 'x', [0x94], '.csv'), '€100 “x”.csv'],
    ['curl before 7.81: backslashes', quoted('a\\"b\\\\c.csv'), 'a"b\\c.csv'],
    ['curl from 7.81 on', quoted('a%22b.csv'), 'a"b.csv'],
    ['Chrome, Firefox, Safari', quoted('Größe (1); 100%; a%22b.csv'), 'Größe (1); 100%; a"b.csv'],
    ['browsers: what looks like an escape stays', quoted('my%20file%41.csv'), 'my%20file%41.csv'],
    ['browsers: line ends', quoted('a%0D%0Ab.csv'), 'a\r\nb.csv'],
    ['an old Internet Explorer: its path', quoted('C:\\data\\Gr', [0xf6], '.csv'), 'C:\\data\\Grö.csv'],
    ['urllib3 1.26, requests', ['form-data; name="file"; filename*=utf-8\'\'Gr%C3%B6%C3%9Fe%20a.csv'], 'Größe a.csv'],
    ['urllib3 2, requests; httpx', quoted('Größe a%22b\\c.csv'), 'Größe a"b\\c.csv'],
    [
      'aiohttp escapes all of it',
      [
        'form-data; name="file"; filename="Gr%C3%B6%C3%9Fe%20100%25.csv"; filename*=utf-8\'\'Gr%C3%B6%C3%9Fe%20100%25.csv',
      ],
      'Größe 100%.csv',
      AIOHTTP,
    ],
    ['aiohttp, without the second form', quoted('Gr%C3%B6%C3%9Fe%20100%25.csv'), 'Größe 100%.csv', AIOHTTP],
    [
      '.NET HttpClient',
      ['form-data; name=file; filename="=?utf-8?B?R3LDtsOfZS5jc3Y=?="; filename*=utf-8\'\'Gr%C3%B6%C3%9Fe.csv'],
      'Größe.csv',
    ],
    ['.NET, without the second form', ['form-data; name="file"; filename="=?utf-8?B?R3LDtsOfZS5jc3Y=?="'], 'Größe.csv'],
    ['.NET, ASCII', ['form-data; name=file; filename=report.csv'], 'report.csv'],
    ['RFC 8187 in Latin-1', ['form-data; name="file"; filename*=iso-8859-1\'de\'Gr%F6%DFe.csv'], 'Größe.csv'],
    [
      'a charset that nobody knows: the other form',
      [`form-data; name="file"; filename="a.csv"; filename*=x-y''b`],
      'a.csv',
    ],
    ['the second form first', [`form-data; name="file"; filename*=UTF-8''%C3%B6; filename="o"`], 'ö'],
    ['without quotes, with blanks', ['form-data; name = x; name=file; filename=a b.csv ; x=y'], 'a b.csv'],
    ['a quote that is never closed', ['form-data; name="file"; filename="a.csv'], 'a.csv'],
    ['none', quoted(''), ''],
  ])('%s', async (_, raw, name, headers) => {
    expect(await nameIn(raw, headers)).toBe(name)
  })
})

describe('the body of a form', () => {
  const refused = (body: Buffer, type = 'multipart/form-data; boundary=edge') =>
    formFile({ 'content-type': type }, inPieces(body, 1000), 'file').catch((fault) => [fault.code, fault.message])
  const head = (length: number) =>
    Buffer.from(`--edge\r\nContent-Disposition: form-data; name="file"; filename="${'n'.repeat(length)}"\r\n\r\n`)

  test('has parts with headers of at most 32 KiB, ended or not', async () => {
    const large = ['bad_request', 'The headers of a part of the form are larger than 32768 bytes']
    expect(await refused(head(33_000))).toEqual(large)
    expect(await refused(head(33_000).subarray(0, -4))).toEqual(large)
    expect(await refused(head(32_000))).toHaveProperty('filename')
  })
  test('has at most 200 parts', async () => {
    const part = '--edge\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n'
    expect(await refused(Buffer.from(`${part.repeat(201)}--edge--`))).toEqual([
      'bad_request',
      'The form has more than 200 parts',
    ])
  })
  test('has a boundary of at most 70 characters', async () => {
    expect(await refused(Buffer.from(''), `multipart/form-data; boundary=${'b'.repeat(71)}`)).toEqual([
      'bad_request',
      'The boundary of the form is longer than 70 characters',
    ])
  })
  test.each([
    ['a boundary that goes on', '--edgex\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'],
    ['a header without a colon', '--edge\r\nContent-Disposition\r\n\r\n'],
    ['a bare line end in a header', '--edge\r\nContent-Disposition: form-data; name="file"\n; filename="a"\r\n\r\n'],
    ['lines that end otherwise', '--edge\nContent-Disposition: form-data; name="file"; filename="a"\n\nx\n--edge--\n'],
  ])('is refused with %s', async (_, body) =>
    expect(await refused(Buffer.from(body))).toEqual(['bad_request', 'There was an error parsing the body']),
  )
})
