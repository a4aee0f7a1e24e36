/** `GET /po/status[/{analysis_id}]`. Database only. */
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { status } from '../../../shared/po/status.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.status
const ports = wirePo(route, store)

registerEndpoint(route, poSchemas.status, (deps, { params }) => status(deps, params.analysis_id), ports)
