/**
 * The grammar of image references, as the kubelet parses them: an image with an invalid reference can never be pulled. Runs in
 * linear time. Pure.
 * @see https://github.com/distribution/reference
 */
import { BOUNDS, isLonger } from './bounds.ts'

/** Of the name, registry included. */
const NAME_LENGTH = 255
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/
const COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/
const HOST_LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/
const ADDRESS = /^\[[0-9A-Fa-f]*:[0-9A-Fa-f:]*\]$/
const HEX_ID = /^[0-9a-f]{64}$/

/** The part before the first slash is a registry if it cannot be a component of a path. */
const isRegistry = (first: string): boolean => /[.:A-Z]/.test(first) || first === 'localhost'

function isHost(registry: string): boolean {
  const port = /:[0-9]+$/.exec(registry)?.[0] ?? ''
  const host = registry.slice(0, registry.length - port.length)
  return ADDRESS.test(host) || host.split('.').every((label) => HOST_LABEL.test(label))
}

function nameFault(name: string): string | undefined {
  const [first = '', ...rest] = name.split('/')
  const hasRegistry = rest.length > 0 && isRegistry(first)
  if (hasRegistry && !isHost(first)) return 'its registry is not a host name with an optional port'
  const path = hasRegistry ? rest : [first, ...rest]
  if (!path.every((component) => COMPONENT.test(component)))
    return 'its name is not made of lower-case letters, digits and single separators (. _ -) between slashes'
  if (name.length > NAME_LENGTH) return `its name has more than ${NAME_LENGTH} characters`
  return path.length === 1 && !hasRegistry && HEX_ID.test(name) ? 'its name is an image ID' : undefined
}

/** Why a text is not a reference to an image; undefined when it is one. */
export function imageFault(text: string): string | undefined {
  if (text === '') return 'no image is named'
  if (isLonger(text, BOUNDS.image)) return `it has more than ${BOUNDS.image} characters`
  const at = text.indexOf('@')
  const named = at < 0 ? text : text.slice(0, at)
  if (at >= 0 && !DIGEST.test(text.slice(at + 1))) return 'its digest is not sha256: and 64 hexadecimal digits'
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  if (colon >= 0 && !TAG.test(named.slice(colon + 1)))
    return 'its tag is not 1 to 128 letters, digits, _, . or -, the first of them a letter, digit or _'
  return nameFault(colon < 0 ? named : named.slice(0, colon))
}
