/** `GET /healthz`. No token; no other system is called. */
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'

const route = routes.dt.healthz
const well = async () => ({ status: 'ok' as const })

registerEndpoint(route, dtSchemas.healthz, well, () => undefined)
