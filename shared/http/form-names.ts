/**
 * Names of a part of a form and of the file in it (RFC 7578, section 4.2), as real clients write them. Clients do not declare
 * the encoding that they use; `test/shared/http/form-names.test.ts` has what each of them sends. Pure.
 */

interface FormNames {
  readonly name: string | undefined
  readonly filename: string | undefined
}

/** One parameter: a name and a value, quoted or not. */
const PARAMETER = /;\s*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"?|([^;]*))/gs

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** Decodes all 256 bytes. Windows in Western Europe and America writes it. */
const ansi = new TextDecoder('windows-1252')

/** Text of bytes, which come as one character each: UTF-8, or the code page of an old client. */
function decoded(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1')
  try {
    return utf8.decode(buffer)
  } catch {
    return ansi.decode(buffer)
  }
}

/** Replaces escapes by bytes, one character each. A per cent sign that begins no escape stays. */
const unescaped = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** `charset'language'value` (RFC 8187); undefined for any other text, and for an unknown charset. */
function extended(value: string): string | undefined {
  const [charset, language, text] = value.trim().split("'")
  if (charset === undefined || language === undefined || text === undefined) return undefined
  try {
    return new TextDecoder(charset, { fatal: true }).decode(Buffer.from(unescaped(text), 'latin1'))
  } catch {
    return undefined
  }
}

/** `=?utf-8?B?…?=`: .NET encodes names with it that are not ASCII. */
const ENCODED_WORD = /^=\?utf-8\?b\?([A-Za-z0-9+/=]*)\?=$/i

/** Browsers, curl, urllib3 and httpx escape quotes and line ends like this, but not per cent signs. */
const FORM_ESCAPES = /%(?:22|0D|0A)/gi

/** aiohttp escapes the whole name. Only the user agent distinguishes that from a name with per cent signs. */
const ESCAPES_ALL = /\baiohttp\//

function plain(value: string, userAgent: string): string {
  const [, word] = ENCODED_WORD.exec(value) ?? []
  if (word !== undefined) return decoded(Buffer.from(word, 'base64').toString('latin1'))
  return decoded(ESCAPES_ALL.test(userAgent) ? unescaped(value) : value.replace(FORM_ESCAPES, unescaped))
}

/** @param disposition value of the header, with one character for each byte */
export function namesOf(disposition: string, userAgent = ''): FormNames {
  const values = new Map<string, string>()
  for (const [, key = '', quoted, bare = ''] of disposition.matchAll(PARAMETER)) {
    const value = quoted === undefined ? bare.trim() : quoted.replace(/\\(["\\])/g, '$1')
    values.set(key.toLowerCase(), value)
  }
  const nameOf = (key: string): string | undefined => {
    const value = values.get(key)
    return extended(values.get(`${key}*`) ?? '') ?? (value === undefined ? undefined : plain(value, userAgent))
  }
  return { name: nameOf('name'), filename: nameOf('filename') }
}
