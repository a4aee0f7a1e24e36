/** A tick of the status loop, as a CloudEvent. Kubernetes, Keycloak, Hub and database. */
import { eventEndpoint } from '../../../shared/events/event-endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { tick } from '../../../shared/po/reconcile/tick.ts'
import { routes } from '../../../shared/routes.ts'
import { cluster } from '../../../shared/wire/cluster.ts'
import { hub } from '../../../shared/wire/hub.ts'
import { identity } from '../../../shared/wire/identity.ts'
import { wire } from '../../../shared/wire/index.ts'
import { sign } from '../../../shared/wire/sign.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.statusReconcile

const ports = wire(route, store, cluster, identity, hub, sign)

http(
  route.name,
  eventEndpoint(route, (deps) => tick(deps), ports),
)
