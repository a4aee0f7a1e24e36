/** `Content-Disposition` of a download (RFC 6266): any name a file may have, and no way out of the header. Pure. */

const TOKEN = /^[A-Za-z0-9!#$&+.^_`|~-]+$/
/** What the encoding of RFC 8187 leaves as it is and `encodeURIComponent` does not take care of. */
const escaped = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** For clients that know no other characters: those of ASCII that need no escape. */
const plain = (text: string): string => text.replace(/[^\x20-\x7e]|["\\%]/gu, '_')

/**
 * Characters of the longest name in a header, which so stays below 4 KiB whatever they are: proxies have no more room for
 * all headers of an answer. Outputs of runs and files of former databases may have longer names.
 */
const LONGEST = 255
const EXTENSION = 16

function cut(name: string): string {
  const characters = name.length > LONGEST ? [...name] : []
  if (characters.length <= LONGEST) return name
  return [...characters.slice(0, LONGEST - EXTENSION - 1), '…', ...characters.slice(-EXTENSION)].join('')
}

/** A name without anything special is bare, as it was before there were others. */
export function attachment(filename: string): string {
  const name = cut(filename.split(/[/\\]/).at(-1) ?? '')
  if (TOKEN.test(name)) return `attachment; filename=${name}`
  if (name === '') return 'attachment'
  const extended = plain(name) === name ? '' : `; filename*=UTF-8''${escaped(name)}`
  return `attachment; filename="${plain(name)}"${extended}`
}
