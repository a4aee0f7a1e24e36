/** The Services that a run discovers, with the labels of the lookup. */
export const PEER_SERVICES = [
  { name: 'broker', labels: { component: 'flame-message-broker' }, port: 80 },
  { name: 'storage', labels: { component: 'flame-storage-service' }, port: 8080 },
  { name: 'adapter', labels: { component: 'flame-hub-adapter' }, port: 5000 },
  { name: 'kong-proxy', labels: { 'app.kubernetes.io/name': 'kong' }, port: 80 },
  { name: 'po-service', labels: { component: 'flame-po' }, port: 8000 },
] as const
