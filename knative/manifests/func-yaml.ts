/**
 * `func.yaml` of a function, for `kn func invoke` and `kn func describe`. `kn func` cannot build the function, because its
 * build sees only one folder, and the functions share a library.
 */
import type { Route } from '../../shared/routes/index.ts'
import { IMAGE } from './function-service.ts'
import { yamlOf } from './yaml.ts'

/** Newest layout of the file; func migrates older ones when it reads them. */
const SPEC_VERSION = '0.36.0'
/** The field is required, but no command uses it. */
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
