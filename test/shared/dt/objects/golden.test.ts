/** Golden files of the objects of a service: what changes in a cluster shows in review. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dumpYaml, loadYaml } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { analyticsResource, standingPolicies } from '../../../../shared/dt/objects/index.ts'
import type { Egress } from '../../../../shared/dt/settings.ts'
import type { KubernetesObject } from '../../../../shared/platform/ports.ts'
import { CASES, ID, SETTINGS, SPEC } from './input.ts'

const WAYS_OUT: readonly Egress[] = [
  { to: { label: ['app', 'fhir-gateway'] }, port: 8443 },
  { to: { cidr: '10.20.0.0/16' }, port: 5432 },
]

const NODE_CACHE = { to: { cidr: '169.254.20.10/32' }, port: 53 } as const

const GOLDEN: Record<string, readonly KubernetesObject[]> = {
  ...Object.fromEntries(Object.entries(CASES).map(([name, { objects }]) => [name, objects])),
  policies: standingPolicies({ ...SETTINGS, egress: [] }),
  'policies-with-ways-out': standingPolicies({
    egress: [...WAYS_OUT, { to: { cidr: '0.0.0.0/0' }, port: 443 }],
    dnsPeers: [...SETTINGS.dnsPeers, NODE_CACHE],
  }),
  resource: [
    analyticsResource(ID, SPEC, {}),
    analyticsResource(
      ID,
      {
        ...SPEC,
        displayName: 'Laboratory',
        jobType: 'scheduled',
        schedule: '0 6 * * *',
        mountFiles: { '65f0c0ffee0123456789ab01': 'input.xlsx' },
        parallelism: 2,
        retries: 0,
        fanIn: { image: 'registry.example/summary:1', env: {} },
        concurrencyPolicy: 'Allow',
        historyLimit: 5,
        retentionDays: 0,
      },
      { ward: 'haematology' },
    ),
  ],
}

const folder = new URL('golden/', import.meta.url)
const yaml = (objects: readonly KubernetesObject[]): string =>
  objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')

/** Compares with a file beside this test; `UPDATE_GOLDEN=1` writes it instead. */
function expectGolden(name: string, content: string): void {
  const file = new URL(`${name}.yaml`, folder)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, content)
  expect(content).toBe(readFileSync(file, 'utf8'))
}

describe('golden files', () => {
  test.each(Object.entries(GOLDEN))('%s', (name, objects) => expectGolden(name, yaml(objects)))

  test('no other', () => {
    const names = readdirSync(folder).map((file) => file.replace(/\.yaml$/, ''))
    expect(names.toSorted()).toEqual(Object.keys(GOLDEN).toSorted())
  })
})

/** The client knows the fields of Kubernetes' own kinds, and drops the others. */
const isCustom = ({ apiVersion }: KubernetesObject) => /^(eng\.cam\.ac\.uk|serving\.knative\.dev)\//.test(apiVersion)

test.each(Object.entries(GOLDEN))('%s: has no field that Kubernetes does not know', (_, objects) => {
  for (const object of objects.filter((one) => !isCustom(one)))
    expect(parse(dumpYaml(loadYaml(stringify(object))))).toEqual(object)
})
