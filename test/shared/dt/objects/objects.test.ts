/** What must hold of the objects of a service, whatever its kind and settings. */
import { describe, expect, test } from 'vitest'
import { CASES, type Case, ID } from './input.ts'
import { containersOf, templatesOf } from './pods.ts'

const ALL: [string, Case][] = Object.entries(CASES)
const RESTRICTED = ALL.filter(([, { input }]) => input.settings.podSecurity === 'restricted')
const podsOf = ({ objects }: Case) => templatesOf(objects).map(({ spec }) => spec)

test.each(ALL)('%s: has a pod, and each is labelled for the policies and for the sweep', (_, { input, objects }) => {
  expect(templatesOf(objects).length).toBeGreaterThan(0)
  const component = input.spec.jobType === 'persistent' ? 'dt-server' : 'dt-run'
  for (const { metadata } of templatesOf(objects))
    expect(metadata.labels).toMatchObject({
      'app.kubernetes.io/component': component,
      'eng.cam.ac.uk/service': ID,
      'eng.cam.ac.uk/resource': 'resource-uid',
    })
})

test.each(ALL)('%s: every object is owned by the resource, which waits for it', (_, { objects }) => {
  for (const { metadata } of objects)
    expect(metadata.ownerReferences).toEqual([
      expect.objectContaining({ kind: 'Analytics', name: ID, uid: 'resource-uid', blockOwnerDeletion: true }),
    ])
})

describe('secrets', () => {
  test.each(ALL)('%s: nothing of the cluster is handed to a pod', (_, one) => {
    for (const pod of podsOf(one)) {
      expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
      expect(pod).not.toHaveProperty('serviceAccountName')
      expect(JSON.stringify(pod.volumes ?? [])).not.toMatch(/serviceAccountToken|hostPath|projected/)
    }
  })

  test.each(ALL)(
    '%s: the token of a run alone is mounted where our programs run, read only, and never beside the image',
    (_, one) => {
      for (const pod of podsOf(one)) {
        for (const { name, volumeMounts = [] } of pod.initContainers ?? [])
          expect([name, volumeMounts.filter((mount) => mount.name === 'run-tokens')]).toEqual([
            expect.stringMatching(/^(fetch-inputs|upload-outputs)$/),
            [
              {
                name: 'run-tokens',
                mountPath: '/var/run/secrets/dt-service/token',
                subPathExpr: '$(RUN_INDEX)',
                readOnly: true,
              },
            ],
          ])
        for (const { volumeMounts = [] } of pod.containers)
          expect(volumeMounts.map((mount) => [mount.name, mount.mountPath])).toEqual(
            [
              ['shared-data', '/input'],
              ['output-data', '/output'],
            ].slice(0, volumeMounts.length),
          )
      }
    },
  )

  const grantsOf = (name: keyof typeof CASES) => {
    const secret = CASES[name].objects[0]
    const data = Object.entries((secret?.['data'] ?? {}) as Record<string, string>)
    return Object.fromEntries(data.map(([key, token]) => [key, Buffer.from(token, 'base64').toString()]))
  }
  test.each<[keyof typeof CASES, readonly string[]]>([
    ['on-demand-fan-in', ['replication-0-0-2', 'replication-0-1-2', 'replication-0-2-2', 'fan-in-0-3-2']],
    ['on-demand-relaunched', ['replication-3-0-2', 'replication-3-1-2', 'replication-3-2-2']],
    ['scheduled', ['replication-any-0-2', 'replication-any-1-2', 'replication-any-2-2']],
    ['persistent-with-inputs', ['replication-0-0-2']],
  ])('%s: each run has a token of its own', (name, expected) =>
    expect(Object.entries(grantsOf(name))).toEqual(
      expected.map((grant, index) => [String(index), `a-token-of-${grant}`]),
    ),
  )

  test.each(ALL)(
    '%s: only our programs have an image of ours, and the image of others none of our variables',
    (_, one) => {
      const { input } = one
      for (const pod of podsOf(one)) {
        for (const { image } of pod.initContainers ?? []) expect(image).toBe(input.settings.toolsImage)
        for (const { image, env, envFrom } of pod.containers) {
          expect([input.spec.image, input.spec.fanIn?.image]).toContain(image)
          expect(JSON.stringify(env)).not.toMatch(/secret|SERVICE_TOKEN|RUNS_URL/i)
          expect(envFrom).toBeUndefined()
        }
      }
    },
  )

  test.each(ALL)('%s: the token is in its Secret and nowhere else', (_, { objects }) => {
    const [secret, ...others] = objects
    expect(secret?.kind).toBe('Secret')
    for (const token of Object.values(secret?.['data'] as Record<string, string>)) {
      expect(Buffer.from(token, 'base64').toString()).toMatch(/^a-token-of-/)
      expect(JSON.stringify(others)).not.toContain(token)
    }
    expect(JSON.stringify(others)).not.toContain('a-token-of')
    for (const { volumes = [] } of templatesOf(objects).map(({ spec }) => spec))
      for (const volume of volumes.filter((one) => one.secret))
        expect(volume.secret?.secretName).toBe(secret?.metadata.name)
  })
})

describe('confinement', () => {
  test.each(ALL)('%s: no container may gain a privilege, and each has the profile and limits', (_, one) => {
    for (const pod of podsOf(one))
      for (const container of containersOf(pod)) {
        const { securityContext, resources } = container
        expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } })
        expect(securityContext).not.toHaveProperty('privileged')
        // Serving takes the profile from each container, Kubernetes from the pod as well.
        expect(securityContext['seccompProfile'] ?? Reflect.get(pod.securityContext ?? {}, 'seccompProfile')).toEqual({
          type: 'RuntimeDefault',
        })
        expect(resources).toMatchObject({
          requests: { cpu: expect.any(String), memory: expect.any(String) },
          limits: { memory: expect.any(String) },
        })
      }
  })

  test.each(ALL)('%s: no pod shares anything with its node', (_, one) => {
    for (const pod of podsOf(one))
      for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers'])
        expect(pod).not.toHaveProperty(field)
  })

  test.each(ALL)(
    '%s: our programs cannot write to their image, and add no power but to read what any user wrote',
    (_, one) => {
      for (const { securityContext } of podsOf(one).flatMap((pod) => pod.initContainers ?? [])) {
        expect(securityContext['readOnlyRootFilesystem']).toBe(true)
        const { add = [] } = securityContext['capabilities'] as { add?: string[] }
        expect(add).toEqual(one.input.settings.podSecurity === 'restricted' ? [] : ['DAC_OVERRIDE'])
      }
    },
  )

  test('there are restricted cases of every kind', () => {
    expect(new Set(RESTRICTED.flatMap(([, { objects }]) => objects.map(({ kind }) => kind)))).toEqual(
      new Set(['Secret', 'Job', 'Service', 'Deployment']),
    )
  })
  test.each(RESTRICTED)(
    '%s: every container is one non-root user, so that each reads what the others wrote',
    (_, one) => {
      for (const { securityContext } of podsOf(one).flatMap(containersOf)) {
        expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10_001, runAsGroup: 10_001 })
        expect(securityContext['capabilities']).toEqual({ drop: ['ALL'] })
      }
    },
  )
})

describe('what runs', () => {
  test.each(ALL)('%s: is the own entry point of each image: no command, no arguments, no shell', (_, one) => {
    for (const container of podsOf(one).flatMap(containersOf)) {
      expect(container).not.toHaveProperty('command')
      expect(container).not.toHaveProperty('args')
      expect(container).not.toHaveProperty('lifecycle')
      // The one program that is called by us is called as it is, with nothing that a user said.
      const command = container.startupProbe?.exec.command
      if (command) expect(command).toEqual(['grep', '-qx', 'upload-outputs', '/proc/1/comm'])
    }
  })

  test.each(ALL)('%s: a variable is named once in a container', (_, one) => {
    for (const { env } of podsOf(one).flatMap(containersOf)) {
      const names = env.map(({ name }) => name)
      expect(names).toEqual([...new Set(names)])
    }
  })
})
