/**
 * Blocks of addresses, and those of them that no pod with a foreign image may reach: instance metadata, and link-local and
 * loopback addresses of the pod's node. Pure.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

interface Block {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

const BLOCK = /^(?:(?<v4>[0-9]{1,3}(?:\.[0-9]{1,3}){3})|(?<v6>[0-9a-fA-F:]+))\/(?<length>[0-9]{1,3})$/

/** Parses a text such as `10.0.0.0/8` or `fd00::/8`. Like Kubernetes, reads numbers with leading zeros as decimal ones. */
export function parseBlock(text: string): Block | undefined {
  const { v4 = '', v6 = '', length = '' } = BLOCK.exec(text)?.groups ?? {}
  const [address, prefix] = [v4.replace(/\b0{1,2}(?=[0-9])/g, ''), Number(length)]
  if (isIPv4(address)) return prefix <= 32 ? { address, prefix, family: 'ipv4' } : undefined
  return isIPv6(v6) && prefix <= 128 ? { address: v6, prefix, family: 'ipv6' } : undefined
}

/** True when every address of `inner` is one of `outer`. */
function contains(outer: Block, inner: Block): boolean {
  const list = new BlockList()
  list.addSubnet(outer.address, outer.prefix, outer.family)
  return outer.family === inner.family && outer.prefix <= inner.prefix && list.check(inner.address, inner.family)
}

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

/** The closed blocks within this one, which a policy that opens it must except. */
export const closedWithin = (cidr: string): string[] => {
  const block = parseBlock(cidr)
  return block ? closed.flatMap(([text, one]) => (one !== undefined && contains(block, one) ? [text] : [])) : []
}
