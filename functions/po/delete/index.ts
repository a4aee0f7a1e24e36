/** `DELETE /po/delete[/{analysis_id}]`. Reports reach the Hub after the answer. */
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { remove } from '../../../shared/po/remove.ts'
import { deliverSoon } from '../../../shared/po/report.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { cluster } from '../../../shared/wire/cluster.ts'
import { hub } from '../../../shared/wire/hub.ts'
import { identity } from '../../../shared/wire/identity.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { sign } from '../../../shared/wire/sign.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.delete
const ports = wirePo(route, store, cluster, identity, hub, sign)

registerEndpoint(route, poSchemas.delete, (deps, { params }) => remove(deps, params.analysis_id), ports, {
  afterAnswer: deliverSoon(),
})
