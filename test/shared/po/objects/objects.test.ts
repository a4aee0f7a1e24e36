import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { dumpYaml, loadYaml } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { KubernetesObject } from '../../../../shared/platform/ports.ts'
import type { RunNumber } from '../../../../shared/po/model.ts'
import { parseObjectName } from '../../../../shared/po/names.ts'
import { credentialsSecret, type RunInput, standingPolicy } from '../../../../shared/po/objects/index.ts'
import { labelValue } from '../../../../shared/po/objects/metadata.ts'
import { NET_STATS_SCRIPT } from '../../../../shared/po/objects/net-stats.ts'
import { credentials, LOGIN, PEER_SERVICES, RUN, SETTINGS, written } from './input.ts'
import { isInstalled } from './installed.ts'

const { kong: _kong, ...WITHOUT_KONG } = PEER_SERVICES

const CASES: Record<string, RunInput> = {
  baseline: RUN,
  restricted: { ...RUN, settings: { ...SETTINGS, podSecurity: 'restricted', cpuLimit: '4' } },
  'net-stats': { ...RUN, settings: { ...SETTINGS, netStatsImage: 'busybox:1.37' } },
  'no-kong': { ...RUN, needsKong: false, peers: WITHOUT_KONG },
  'second-run': { ...RUN, run: 2 as RunNumber },
}

const yaml = (objects: readonly KubernetesObject[]): string =>
  objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')

/** Compares with a file beside this test; `UPDATE_GOLDEN=1` writes it instead. */
function expectGolden(name: string, content: string): void {
  const file = new URL(`golden/${name}.yaml`, import.meta.url)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, content)
  expect(content).toBe(readFileSync(file, 'utf8'))
}

interface PodSpec {
  readonly imagePullSecrets?: readonly { readonly name: string }[]
  readonly containers: readonly {
    readonly securityContext: Readonly<Record<string, unknown>>
    readonly resources: { readonly requests: object; readonly limits: { readonly memory?: string } }
  }[]
}
interface Peer {
  readonly podSelector: { readonly matchLabels: object }
}
interface PolicySpec {
  readonly ingress: readonly { readonly from: readonly Peer[]; readonly ports: readonly { readonly port: unknown }[] }[]
  readonly egress: readonly { readonly to: readonly Peer[]; readonly ports: readonly { readonly port: unknown }[] }[]
}

const find = (run: RunInput, kind: string, name: RegExp) =>
  written(run).find((object) => object.kind === kind && name.test(object.metadata.name))

const podSpecs = (run: RunInput) =>
  written(run)
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ spec }) => (spec as { template: { spec: PodSpec } }).template.spec)

const policyOf = (run: RunInput, name: RegExp) => find(run, 'NetworkPolicy', name)?.['spec'] as PolicySpec
const dataOf = (object: KubernetesObject | undefined) => object?.['data'] as Readonly<Record<string, string>>

const decode = (text: string) => Buffer.from(text, 'base64').toString('utf8')

interface Login {
  readonly username: string
  readonly password: string
  readonly auth: string
}

const authsOf = (secret: KubernetesObject) =>
  (JSON.parse(decode(dataOf(secret)['.dockerconfigjson'] ?? '')) as { auths: Record<string, Login> }).auths
interface Scheduled {
  readonly priorityClassName?: string
  readonly containers: readonly {
    readonly image: string
    readonly imagePullPolicy: string
    readonly resources: Readonly<Record<'requests' | 'limits', Readonly<Record<string, string>>>>
  }[]
}
const scheduled = (change: Partial<RunInput['settings']>, image = RUN.image): readonly Scheduled[] =>
  podSpecs({ ...RUN, image, settings: { ...SETTINGS, netStatsImage: 'busybox:1.37', ...change } }) as never

describe('what a run may take of its node', () => {
  const PINNED = `registry.example/project/mean@sha256:${'0'.repeat(64)}`
  test.each([
    ['auto', RUN.image, 'Always'],
    ['auto', 'registry.example:5000/project/mean', 'Always'],
    ['auto', PINNED, 'IfNotPresent'],
    ['IfNotPresent', RUN.image, 'IfNotPresent'],
    ['Always', PINNED, 'Always'],
  ] as const)('ANALYSIS_PULL_POLICY=%s pulls %s %s', (pullPolicy, image, expected) => {
    const found = scheduled({ pullPolicy }, image).flatMap(({ containers }) => containers)
    expect(found.find((container) => container.image === image)?.imagePullPolicy).toBe(expected)
    const others = found.filter((container) => container.image !== image)
    expect(others.map(({ imagePullPolicy }) => imagePullPolicy)).toEqual(['IfNotPresent', 'IfNotPresent'])
  })

  test('disk: each container has a limit, and a request that does not reserve it', () => {
    const found = scheduled({ diskLimit: '3Gi' }).flatMap(({ containers }) => containers)
    expect(found.map(({ resources }) => resources.limits['ephemeral-storage'])).toEqual(['256Mi', '3Gi', '16Mi'])
    expect(found.map(({ resources }) => resources.requests['ephemeral-storage'])).toEqual(['16Mi', '64Mi', '1Mi'])
  })

  test('disk: an empty limit is none', () => {
    const [, analysis] = scheduled({ diskLimit: '' })
    expect(Object.keys(analysis?.containers[0]?.resources.limits ?? {})).toEqual(['memory'])
    expect(analysis?.containers[0]?.resources.requests).not.toHaveProperty('ephemeral-storage')
  })

  test.each([
    ['', undefined],
    ['po-runs', 'po-runs'],
  ])('RUN_PRIORITY_CLASS=%j is on the pods of the analysis and of its proxy', (priorityClass, expected) => {
    expect(scheduled({ priorityClass }).map(({ priorityClassName }) => priorityClassName)).toEqual([expected, expected])
  })

  test('both pods may ask the name servers that DNS_PEERS names, and no other', () => {
    const dnsPeers = [{ to: { cidr: '169.254.20.10/32' }, port: 53 }] as const
    const policies = written({ ...RUN, settings: { ...SETTINGS, dnsPeers } }).filter(
      ({ kind }) => kind === 'NetworkPolicy',
    )
    expect(policies).toHaveLength(2)
    for (const policy of policies) {
      expect(JSON.stringify(policy)).toContain('{"to":[{"ipBlock":{"cidr":"169.254.20.10/32"}}],"ports":[')
      expect(JSON.stringify(policy)).not.toContain('kube-dns')
    }
  })
})

describe('golden files', () => {
  test('standing policy', () => expectGolden('standing-policy', yaml([standingPolicy()])))
  test.each(Object.entries(CASES))('%s', (name, run) => expectGolden(name, yaml(written(run))))
})

describe('a run', () => {
  test.each(Object.entries(CASES))('%s: has no field that Kubernetes does not know', (_name, run) => {
    for (const object of [standingPolicy(), ...written(run)]) {
      expect(parse(dumpYaml(loadYaml(stringify(object))))).toEqual(object)
    }
  })

  test('is nine writes: root, credentials, policies, then the rest, analysis last', () => {
    expect(written(RUN).map(({ kind, metadata }) => `${kind} ${metadata.name.replaceAll(RUN.id, 'ID')}`)).toEqual([
      'ConfigMap analysis-ID-1-root',
      'Secret analysis-ID-1-credentials',
      'NetworkPolicy nginx-to-analysis-ID-1-policy',
      'NetworkPolicy nginx-analysis-ID-1-policy',
      'ConfigMap nginx-analysis-ID-1-config',
      'Service nginx-analysis-ID-1',
      'Deployment nginx-analysis-ID-1',
      'Service analysis-ID-1',
      'Deployment analysis-ID-1',
    ])
  })

  test('has names that lead back to it', () => {
    const run = { ...RUN, run: 7 as RunNumber }
    for (const { kind, metadata } of written(run)) {
      expect(parseObjectName(metadata.name)).toEqual({
        id: RUN.id,
        run: kind === 'Secret' || metadata.name.endsWith('-root') ? 1 : 7,
      })
    }
  })

  test('hangs below its root in a chain of blocking owners', () => {
    const [root, secret, policy, ...rest] = written(CASES['second-run'] ?? RUN)
    const owner = (object?: KubernetesObject) => object?.metadata.ownerReferences?.[0]
    expect(owner(root)).toBeUndefined()
    for (const object of [secret, policy])
      expect(owner(object)).toMatchObject({ kind: 'ConfigMap', name: root?.metadata.name, uid: 'root-uid' })
    for (const object of rest)
      expect(owner(object)).toMatchObject({ kind: 'NetworkPolicy', name: policy?.metadata.name, uid: 'policy-uid' })
    for (const object of [secret, policy, ...rest]) expect(owner(object)?.blockOwnerDeletion).toBe(true)
  })

  test('shows no secret outside its Secrets', () => {
    const open = JSON.stringify(written(RUN).filter(({ type }) => type === undefined))
    for (const secret of ['header.payload.signature', 'kong-key', 'robot$node', 'wörd']) {
      expect(open).not.toContain(secret)
      expect(open).not.toContain(Buffer.from(secret).toString('base64'))
    }
  })

  test.each(Object.entries(CASES))('%s: pods get no token, no service links, no privileges', (_name, run) => {
    for (const pod of podSpecs(run)) {
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      })
      for (const container of pod.containers) {
        expect(container.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        })
        expect(container.resources.requests).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) })
        expect(container.resources.limits.memory).toEqual(expect.any(String))
      }
    }
  })

  test('restricted: every container is non-root', () => {
    const run = { ...RUN, settings: { ...SETTINGS, podSecurity: 'restricted', netStatsImage: 'busybox' } } as const
    const contexts = podSpecs(run)
      .flatMap((pod) => pod.containers)
      .map((container) => container.securityContext)
    expect(contexts).toHaveLength(3)
    for (const context of contexts) {
      expect(context['runAsNonRoot']).toBe(true)
      expect(context['runAsUser']).toBeGreaterThan(0)
    }
  })

  test.each([
    ['Node Aachen/1', 'Node-Aachen-1'],
    ['--x--', 'x'],
    ['ä', ''],
    ['', ''],
    ['n'.repeat(80), 'n'.repeat(63)],
    [`${'n'.repeat(62)}..n`, 'n'.repeat(62)],
  ])('node name %j becomes label value %j', (name, value) => expect(labelValue(name)).toBe(value))
})

describe('login of the registry', () => {
  test.each([
    ['plain', 'user', 'secret'],
    ['quotes, backslashes, colons, dollars', LOGIN.user, LOGIN.password],
    ['other scripts and new lines', 'użytkownik', '密码\n🔑'],
  ])('carries %s unharmed', (_what, user, password) => {
    const given = { ...credentials(RUN), login: { user, password }, registryHost: 'registry.example:5000' }
    const login = authsOf(credentialsSecret(RUN, 'uid', given))['registry.example:5000']
    expect(login).toMatchObject({ username: user, password })
    expect(decode(login?.auth ?? '')).toBe(`${user}:${password}`)
  })

  test('is of the same type without one, which the kubelet reads as a pull without a login', () => {
    const secret = credentialsSecret(RUN, 'uid', { ...credentials(RUN), login: null })
    expect(secret['type']).toBe('kubernetes.io/dockerconfigjson')
    expect(authsOf(secret)).toEqual({})
  })

  test('of an analysis of version 0.1 is in a Secret of its own, below the Secret that is its root', () => {
    const run = { ...RUN, run: 2 as RunNumber, rootKind: 'Secret' as const }
    const [, , policy] = written(run)
    expect(policy?.metadata.ownerReferences).toMatchObject([
      { kind: 'Secret', name: `analysis-${RUN.id}-1-credentials`, uid: 'root-uid' },
    ])
    const [pod] = podSpecs(run).filter(({ imagePullSecrets }) => imagePullSecrets)
    expect(pod?.imagePullSecrets).toEqual([{ name: `analysis-${RUN.id}-1-pull` }])
  })
})

describe('policies', () => {
  const DNS_PORTS = [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ]
  const podsOf = (peer: Peer) => peer.podSelector.matchLabels

  test('the analysis reaches its proxy on the pod port, DNS, and nothing else', () => {
    const { egress } = policyOf(RUN, /^nginx-to-/)
    expect(egress).toHaveLength(2)
    expect(egress[0]?.to).toEqual([
      { podSelector: { matchLabels: expect.objectContaining({ app: `nginx-analysis-${RUN.id}-1` }) } },
    ])
    expect(egress[0]?.ports).toEqual([{ protocol: 'TCP', port: 8080 }])
    expect(egress[1]?.to).toEqual([
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
        podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      },
    ])
    expect(egress[1]?.ports).toEqual(DNS_PORTS)
  })

  test('the proxy reaches the pod ports of its peers, not the ports of their Services', () => {
    const { egress } = policyOf(RUN, /^nginx-analysis/)
    const reach = egress.map(({ to, ports }) => [to.map(podsOf), ports.map(({ port }) => port)])
    expect(reach).toContainEqual([[PEER_SERVICES.broker.selector], [8080]])
    expect(reach).toContainEqual([[PEER_SERVICES.adapter.selector], ['http']])
    expect(reach).toContainEqual([[PEER_SERVICES.kong.selector], [8000]])
    expect(reach).toHaveLength(7)
  })

  test('the proxy is reached by its analysis, orchestrator, broker and nextflow', () => {
    const [rule, ...others] = policyOf(RUN, /^nginx-analysis/).ingress
    expect(others).toEqual([])
    expect(rule?.ports).toEqual([{ protocol: 'TCP', port: 8080 }])
    expect(rule?.from.map(podsOf)).toEqual([
      { app: `analysis-${RUN.id}-1`, component: 'flame-analysis' },
      { component: 'flame-po' },
      { component: 'flame-message-broker' },
      { app: 'nextflow' },
    ])
  })

  test('an analysis that needs no kong does not reach it, even where it is there', () => {
    const run = { ...RUN, needsKong: false }
    expect(JSON.stringify(find(run, 'NetworkPolicy', /^nginx-analysis/))).not.toContain('kong')
    expect(dataOf(find(run, 'ConfigMap', /^nginx-/))['nginx.conf']).not.toContain('kong-proxy')
  })

  test('a Service without selector opens no pod', () => {
    const peers = { broker: { ...PEER_SERVICES.broker, selector: {} } }
    const spec = JSON.stringify(find({ ...RUN, peers }, 'NetworkPolicy', /^nginx-analysis/))
    expect(spec).not.toContain('"matchLabels":{}')
    expect(spec).not.toContain('"podSelector":{}')
  })
})

/** Whether a process has set its trap for SIGTERM, signal 15: before that it would just end. */
const catchesTerm = (pid: number | undefined): boolean => {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  return ((BigInt(`0x${caught}`) >> 14n) & 1n) === 1n
}

describe.skipIf(!isInstalled('busybox', 'busybox'))('network statistics', () => {
  test('are one line on SIGTERM, with the counters of the interface', async () => {
    const child = spawn('busybox', ['sh', '-c', NET_STATS_SCRIPT], { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = text(child.stdout)
    await expect.poll(() => catchesTerm(child.pid), { timeout: 10_000 }).toBe(true)
    expect(child.exitCode).toBeNull()
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    const lines = (await output).trimEnd().split('\n')
    expect(lines).toHaveLength(1)
    const line = JSON.parse(lines[0] ?? '')
    expect(line).toEqual({
      level: 'info',
      message: 'network_stats',
      bytes_in: expect.any(Number),
      bytes_out: expect.any(Number),
      interface: expect.any(String),
      event_name: 'netstats.analysis.traffic',
    })
    const [received, , , , , , , , sent] =
      readFileSync('/proc/net/dev', 'utf8').split(`${line.interface}:`)[1]?.trim().split(/\s+/) ?? []
    expect(line.bytes_in).toBeLessThanOrEqual(Number(received ?? 0))
    expect(line.bytes_in).toBeGreaterThan(Number(received ?? 0) / 2 - 1)
    expect(line.bytes_out).toBeLessThanOrEqual(Number(sent ?? 0))
  })
})
