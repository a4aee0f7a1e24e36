/**
 * Blocks of addresses, and those of them that nothing which runs foreign images may reach: instance metadata, link-local and
 * loopback addresses of the node that a pod is on. Pure.
 */

interface Block {
  readonly bits: 32 | 128
  readonly base: bigint
  readonly prefix: number
}

const NONE = -1n

function groupsOf(text: string): number[] | undefined {
  const groups = text === '' ? [] : text.split(':')
  return groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined
}

function addressOfV6(text: string): bigint {
  const [head = '', tail, ...more] = text.split('::')
  const [left, right] = [groupsOf(head), groupsOf(tail ?? '')]
  if (!left || !right || more.length > 0) return NONE
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 1) return NONE
  const groups = [...left, ...Array.from({ length: missing }, () => 0), ...right]
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n)
}

function addressOfV4(text: string): bigint {
  const parts = text.split('.')
  const isOne = parts.length === 4 && parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) <= 255)
  return isOne ? parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) : NONE
}

/** The block that a text such as `10.0.0.0/8` or `fd00::/8` is; undefined for any other text. */
export function parseBlock(text: string): Block | undefined {
  const [address = '', length = '', ...more] = text.split('/')
  const bits = address.includes(':') ? 128 : 32
  const prefix = /^[0-9]{1,3}$/.test(length) ? Number(length) : Number.NaN
  const value = bits === 128 ? addressOfV6(address) : addressOfV4(address)
  if (more.length > 0 || value === NONE || !(prefix <= bits)) return undefined
  const host = BigInt(bits - prefix)
  return { bits, base: (value >> host) << host, prefix }
}

/** True when every address of `inner` is one of `outer`. */
const contains = (outer: Block, inner: Block): boolean =>
  outer.bits === inner.bits &&
  outer.prefix <= inner.prefix &&
  outer.base >> BigInt(outer.bits - outer.prefix) === inner.base >> BigInt(outer.bits - outer.prefix)

/** Metadata services of AWS, Azure, Google, Alibaba and OpenStack are among them. */
export const CLOSED = [
  '127.0.0.0/8',
  '169.254.0.0/16',
  '168.63.129.16/32',
  '100.100.100.200/32',
  '::1/128',
  'fe80::/10',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
] as const

const closed = CLOSED.map((text) => [text, parseBlock(text)] as const)

/** The closed block that this one lies in. */
export const closedAround = (block: Block): string | undefined =>
  closed.find(([, one]) => one !== undefined && contains(one, block))?.[0]

/** The closed blocks within this one: what a policy that opens it has to except. */
export const closedWithin = (cidr: string): string[] => {
  const block = parseBlock(cidr)
  return block ? closed.flatMap(([text, one]) => (one !== undefined && contains(block, one) ? [text] : [])) : []
}
