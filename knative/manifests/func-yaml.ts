/**
 * `func.yaml` of a function, by which `kn func invoke` and `kn func describe` know its name and what to send it. It is not
 * built with `kn func`: a build sees one folder, and the functions share a library.
 */
import type { Route } from '../../shared/routes/index.ts'
import { IMAGE } from './function-service.ts'
import { yamlOf } from './yaml.ts'

/** Newest layout of the file; func migrates older ones when it reads them. */
const SPEC_VERSION = '0.36.0'
/** The field is required and means nothing here. */
const CREATED = '2026-01-01T00:00:00Z'

export const renderFuncYaml = (route: Route): string =>
  yamlOf({
    specVersion: SPEC_VERSION,
    name: route.name,
    runtime: 'typescript',
    created: CREATED,
    invoke: route.trigger === 'event' ? 'cloudevent' : 'http',
    deploy: {
      image: IMAGE,
      serviceAccountName: route.name,
      healthEndpoints: { liveness: '/health/liveness', readiness: '/health/readiness' },
    },
  })
