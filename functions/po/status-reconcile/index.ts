/** The status loop, as CloudEvents: a tick, or one analysis. Kubernetes, Keycloak, Hub, database and event sink. */
import { eventEndpoint } from '../../../shared/events/event-endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { handleEvent } from '../../../shared/po/reconcile/handle.ts'
import { createLoopCache } from '../../../shared/po/reconcile/loop-cache.ts'
import { routes } from '../../../shared/routes/index.ts'
import { cluster } from '../../../shared/wire/cluster.ts'
import { hub } from '../../../shared/wire/hub.ts'
import { identity } from '../../../shared/wire/identity.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { sign } from '../../../shared/wire/sign.ts'
import { sink } from '../../../shared/wire/sink.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.statusReconcile
const ports = wirePo(route, store, cluster, identity, hub, sink, sign)

http(
  route.name,
  eventEndpoint(
    route,
    ({ ports, cache }, event) => handleEvent(ports, cache, event),
    () => ({ ports: ports(), cache: createLoopCache() }),
  ),
)
