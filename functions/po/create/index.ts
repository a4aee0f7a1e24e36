/** `POST /po/`. Reports reach the Hub after the answer. */
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { create } from '../../../shared/po/create.ts'
import { deliverSoon } from '../../../shared/po/report.ts'
import { createRequest } from '../../../shared/po/requests.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { cluster } from '../../../shared/wire/cluster.ts'
import { hub } from '../../../shared/wire/hub.ts'
import { identity } from '../../../shared/wire/identity.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { sign } from '../../../shared/wire/sign.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.create
const ports = wirePo(route, store, cluster, identity, hub, sign)

registerEndpoint(route, poSchemas.create, (deps, asked) => create(deps, createRequest(asked)), ports, {
  afterAnswer: deliverSoon(),
})
