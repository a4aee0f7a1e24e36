/** `GET /po/status[/{analysis_id}]`. Database only. */
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { status } from '../../../shared/po/status.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.status
const ports = wirePo(route, store)

http(
  route.name,
  endpoint(route, poSchemas.status, (deps, { params }) => status(deps, params.analysis_id), ports),
)
