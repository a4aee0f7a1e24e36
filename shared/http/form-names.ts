/**
 * What a part of a form is called (RFC 7578, section 4.2), and the file in it, as the clients there are write it. None says
 * which encoding it used; what each sends is in `test/shared/http/form-names.test.ts`. Pure.
 */

export interface FormNames {
  readonly name: string | undefined
  readonly filename: string | undefined
}

/** One parameter: a name, and a value in quotes or without. */
const PARAMETER = /;\s*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"?|([^;]*))/gs

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** All 256 bytes are characters of it: it is what a Windows of Western Europe or America writes. */
const ansi = new TextDecoder('windows-1252')

/** Bytes, one per character, as text: UTF-8 where they are, and otherwise the code page of an old client. */
function decoded(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1')
  try {
    return utf8.decode(buffer)
  } catch {
    return ansi.decode(buffer)
  }
}

/** Escapes as bytes, one per character. What is none stays. */
const unescaped = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** `charset'language'value` (RFC 8187); undefined for what is none, or in a charset that is unknown. */
function extended(value: string): string | undefined {
  const [charset, language, text] = value.trim().split("'")
  if (charset === undefined || language === undefined || text === undefined) return undefined
  try {
    return new TextDecoder(charset, { fatal: true }).decode(Buffer.from(unescaped(text), 'latin1'))
  } catch {
    return undefined
  }
}

/** `=?utf-8?B?…?=`, which .NET writes of names that are not ASCII. */
const ENCODED_WORD = /^=\?utf-8\?b\?([A-Za-z0-9+/=]*)\?=$/i

/** Browsers, curl, urllib3 and httpx write a quote and line ends so, and leave a per cent sign as it is. */
const FORM_ESCAPES = /%(?:22|0D|0A)/gi

/** aiohttp escapes all of a name, which is not to be told from a name with per cent signs but by who sends it. */
const ESCAPES_ALL = /\baiohttp\//

function plain(value: string, userAgent: string): string {
  const [, word] = ENCODED_WORD.exec(value) ?? []
  if (word !== undefined) return decoded(Buffer.from(word, 'base64').toString('latin1'))
  return decoded(ESCAPES_ALL.test(userAgent) ? unescaped(value) : value.replace(FORM_ESCAPES, unescaped))
}

/** @param disposition value of the header, each byte one character */
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
