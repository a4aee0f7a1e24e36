/** `GET /po/analyses/{analysis_id}/record`. Database only. */
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { record } from '../../../shared/po/record.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.record
const ports = wirePo(route, store)

registerEndpoint(
  route,
  poSchemas.record,
  (deps, { params, query }) => record(deps, params.analysis_id, query.run),
  ports,
)
