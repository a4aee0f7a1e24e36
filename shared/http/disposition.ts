/** `Content-Disposition` of a download (RFC 6266) for any name of a file, safe from header injection. Pure. */

const TOKEN = /^[A-Za-z0-9!#$&+.^_`|~-]+$/
/** `encodeURIComponent` leaves characters that RFC 8187 wants encoded. */
const escaped = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** For clients that do not read `filename*`: ASCII characters that need no escape. */
const plain = (text: string): string => text.replace(/[^\x20-\x7e]|["\\%]/gu, '_')

/**
 * Characters of the longest name in the header, which keeps it below 4 KiB: proxies limit all headers of an answer. Outputs
 * of runs and imported files may have longer names.
 */
const LONGEST = 255
const EXTENSION = 16

function cut(name: string): string {
  const characters = name.length > LONGEST ? [...name] : []
  if (characters.length <= LONGEST) return name
  return [...characters.slice(0, LONGEST - EXTENSION - 1), '…', ...characters.slice(-EXTENSION)].join('')
}

/** A name that is a token is not quoted, as in version 0.1. */
export function attachment(filename: string): string {
  const name = cut(filename.split(/[/\\]/).at(-1) ?? '')
  if (TOKEN.test(name)) return `attachment; filename=${name}`
  if (name === '') return 'attachment'
  const extended = plain(name) === name ? '' : `; filename*=UTF-8''${escaped(name)}`
  return `attachment; filename="${plain(name)}"${extended}`
}
