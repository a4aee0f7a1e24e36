/**
 * The obligations of the proxy of a run: nginx with the rendered nginx.conf, and the sandbox's proxy.
 */
import { afterAll, beforeAll, describe } from 'vitest'
import type { RunNumber } from '../../shared/po/model.ts'
import type { LocationInput, UpstreamName, Upstreams } from '../../shared/po/objects/locations.ts'
import { type DnsStub, startDns } from './dns.ts'
import { type Echo, startEcho } from './echo.ts'
import { addressing } from './proxy/addressing.ts'
import { heading } from './proxy/heading.ts'
import { streaming } from './proxy/streaming.ts'
import { ADDRESSES, hostOf, MOVED, NAMES, type ProxySubject } from './proxy/subject.ts'
import { ID, PROJECT } from './proxy-paths.ts'

export interface ProxySetup extends LocationInput {
  readonly upstreams: Upstreams
  /** Address and port of the DNS server; an answer may be used for one second. */
  readonly resolver: string
}

export interface ProxyUnderTest {
  readonly url: string
  /** Of the process whose memory, with that of its children, is watched. */
  readonly pid: number
  close(): Promise<void>
}

export function proxyConformance(name: string, start: (setup: ProxySetup) => Promise<ProxyUnderTest>): void {
  describe(`${name} as egress proxy`, () => {
    let dns: DnsStub

    let echo: Echo

    let proxy: ProxyUnderTest

    const location = { id: ID, run: 3 as RunNumber, projectId: PROJECT }

    const begun: ProxyUnderTest[] = []

    const begin = async (upstreams: Upstreams): Promise<ProxyUnderTest> => {
      const started = await start({ ...location, upstreams, resolver: dns.address })
      begun.push(started)
      return started
    }

    beforeAll(async () => {
      dns = await startDns(Object.fromEntries(NAMES.map((upstream) => [hostOf(upstream), ADDRESSES[upstream]])))
      echo = await startEcho([...Object.values(ADDRESSES), MOVED])
      const at = (upstream: UpstreamName) => ({ host: hostOf(upstream), port: echo.port })
      proxy = await begin(Object.fromEntries(NAMES.map((upstream) => [upstream, at(upstream)])))
    })

    afterAll(async () => {
      await Promise.all(begun.map((started) => started.close()))
      await echo?.close()
      dns?.close()
    })

    const subject: ProxySubject = {
      begin,
      get proxy() {
        return proxy
      },
      get echo() {
        return echo
      },
      get dns() {
        return dns
      },
    }
    for (const part of [addressing, heading, streaming]) part(subject)
  })
}
