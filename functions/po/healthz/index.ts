/** `GET /po/healthz`. No token; database only. */
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { healthz } from '../../../shared/po/healthz.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.healthz
const ports = wirePo(route, store)

registerEndpoint(route, poSchemas.healthz, healthz, ports)
