/** `GET /healthz`. No token; no other system is called. */
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes/index.ts'

const route = routes.dt.healthz
const well = async () => ({ status: 'ok' as const })

http(
  route.name,
  endpoint(route, dtSchemas.healthz, well, () => undefined),
)
