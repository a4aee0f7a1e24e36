/** `GET /service/{id}/status`. Database only. */

import { dtSchemas } from '../../../shared/dt/schema.ts'
import { status } from '../../../shared/dt/status.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes.ts'
import { twinStore } from '../../../shared/wire/twin-store.ts'
import { wireTwins } from '../../../shared/wire/twins.ts'

const route = routes.dt.serviceStatus
const ports = wireTwins(route, twinStore)

http(
  route.name,
  endpoint(route, dtSchemas.serviceStatus, (deps, { params }) => status(deps, params.id), ports),
)
