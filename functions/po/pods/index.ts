/** `GET /po/pods[/{analysis_id}]`. */
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { pods } from '../../../shared/po/pods.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { cluster } from '../../../shared/wire/cluster.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.pods
const ports = wirePo(route, store, cluster)

registerEndpoint(route, poSchemas.pods, (deps, { params }) => pods(deps, params.analysis_id), ports)
