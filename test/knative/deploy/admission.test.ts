import { describe, expect, test } from 'vitest'
import { admissionWarnings } from '../../../knative/deploy/admission.ts'
import type { DeployedObject } from '../../../knative/deploy/objects.ts'
import { admission, DIGEST } from '../../../knative/manifests/admission.ts'
import { isGranted } from '../../../knative/manifests/rbac.ts'
import { OBJECT_PATTERN, parseObjectName } from '../../../shared/po/names.ts'
import { allRoutes } from '../../../shared/routes/index.ts'
import { RUN, written } from '../../shared/po/objects/input.ts'

const ALL = admission() as readonly DeployedObject[]
const ofAnotherVersion = (object: DeployedObject): DeployedObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { [DIGEST]: 'other' } },
})

describe('a deployment', () => {
  test('says nothing where all policies are in force', () => expect(admissionWarnings(ALL)).toEqual([]))

  test.each([
    ['none is there', []],
    ['a policy is bound to nothing', ALL.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy')],
  ])('warns, and says what to do, where %s', (_, found) => {
    expect(admissionWarnings(found)).toEqual([
      expect.stringMatching(/is missing\. .*: kubectl apply -k knative\/config\/admission$/s),
    ])
  })

  test('warns where they are of another version', () => {
    const found = ALL.map((object, at) => (at === 0 ? ofAnotherVersion(object) : object))
    expect(admissionWarnings(found)).toEqual([
      expect.stringMatching(/^the admission policies in the cluster are those of another version: kubectl apply -k/),
    ])
  })
})

describe('the policies', () => {
  test('deny, for every function that may do anything, and fail closed', () => {
    const text = JSON.stringify(ALL)
    for (const { name } of allRoutes.filter(isGranted)) expect(text).toContain(name)
    for (const { kind, spec } of ALL)
      expect(spec).toMatchObject(
        kind === 'ValidatingAdmissionPolicy' ? { failurePolicy: 'Fail' } : { validationActions: ['Deny'] },
      )
  })

  test('know the names of runs as the code does', () => {
    const pattern = new RegExp(OBJECT_PATTERN)
    for (const { metadata } of written(RUN)) expect(pattern.test(metadata.name)).toBe(true)
    for (const name of ['po-secrets', 'po-settings', 'analysis-1', `x-analysis-${RUN.id}-1`, `analysis-${RUN.id}-0`])
      expect([name, pattern.test(name), parseObjectName(name)]).toEqual([name, false, undefined])
  })
})
