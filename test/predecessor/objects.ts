/**
 * What the Python service deploys for an analysis, as its clients' library sends it, and in its order: plain tokens in the
 * environment, no security context, addresses of pods in the proxy's configuration, one policy by `app` alone.
 */

export interface FormerDeployment {
  /** `analysis-{id}-{n}` */
  readonly name: string
  readonly analysisId: string
  readonly projectId: string
  readonly image: string
  readonly kongToken: string
  readonly keycloakToken: string
  readonly proxyImage: string
  /** Addresses that its proxy lets in: of the analysis, the message broker and the Python service. */
  readonly addresses: { readonly analysis: string; readonly broker: string; readonly orchestrator: string }
  /** More of the analysis's environment, where names of a cluster mean nothing. */
  readonly env?: Readonly<Record<string, string>>
}

export interface FormerObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly [field: string]: unknown
}

export const PULL_SECRET = 'flame-harbor-credentials'

const service = (name: string, labels: Readonly<Record<string, string>>, targetPort: number): FormerObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, labels },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort }] },
})

const deployment = (
  name: string,
  labels: Readonly<Record<string, string>>,
  matchLabels: Readonly<Record<string, string>>,
  spec: object,
): FormerObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels },
  spec: { selector: { matchLabels }, template: { metadata: { labels }, spec } },
})

/** Of the kind that it writes: whoever is not at one of the addresses gets 403. */
function nginxConf({ name, analysisId, addresses }: FormerDeployment): string {
  const allow = (...from: string[]) => [...from.map((address) => `allow ${address};`), 'deny all;'].join(' ')
  return `pid /tmp/nginx.pid;
error_log /dev/stderr;
events { worker_connections 1024; }
http {
  access_log /dev/stdout;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server {
    listen 80;
    client_max_body_size 0;
    location /healthz { return 200 'healthy'; }
    location /kong { rewrite ^/kong(/.*) $1 break; proxy_pass http://kong-proxy; ${allow(addresses.analysis)} }
    location ~ ^/message-broker/analyses/${analysisId}/(messages(|/subscriptions)|participants(|/self)) {
      rewrite ^/message-broker(/.*) $1 break; proxy_pass http://node-message-broker; ${allow(addresses.analysis)}
    }
    location /po/stream_logs { proxy_pass http://po-service:8000; ${allow(addresses.analysis)} }
    location /analysis {
      rewrite ^/analysis(/.*) $1 break; proxy_pass http://${name};
      ${allow(addresses.broker, addresses.orchestrator)}
    }
  }
}
`
}

function policy(name: string): FormerObject {
  const pods = (matchLabels: Readonly<Record<string, string>>) => ({ podSelector: { matchLabels } })
  const dns = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
    ...pods({ 'k8s-app': 'kube-dns' }),
  }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `nginx-to-${name}-policy`, labels: { component: 'flame-nginx-to-analysis-policy' } },
    spec: {
      ...pods({ app: name }),
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [pods({ app: `nginx-${name}` })] }],
      egress: [{ to: [pods({ app: `nginx-${name}` }), dns] }],
    },
  }
}

/** All of it, in the order in which it is created. */
export function formerObjects(former: FormerDeployment): readonly FormerObject[] {
  const { name, image, proxyImage, env = {} } = former
  const proxy = `nginx-${name}`
  const labels = { app: name, component: 'flame-analysis' }
  const proxyLabels = { app: proxy, component: 'flame-analysis-nginx' }
  const variables = {
    DATA_SOURCE_TOKEN: former.kongToken,
    KEYCLOAK_TOKEN: former.keycloakToken,
    ANALYSIS_ID: former.analysisId,
    PROJECT_ID: former.projectId,
    DEPLOYMENT_NAME: name,
    ...env,
  }
  return [
    deployment(name, labels, labels, {
      imagePullSecrets: [{ name: PULL_SECRET }],
      containers: [
        {
          name,
          image,
          imagePullPolicy: 'IfNotPresent',
          ports: [{ containerPort: 8000 }],
          env: Object.entries(variables).map(([variable, value]) => ({ name: variable, value })),
        },
      ],
    }),
    service(name, labels, 8000),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `${proxy}-config`, labels: { component: 'flame-nginx-analysis-config-map' } },
      data: { 'nginx.conf': nginxConf(former) },
    },
    deployment(
      proxy,
      proxyLabels,
      { app: proxy },
      {
        volumes: [{ name: 'nginx-vol', configMap: { name: `${proxy}-config` } }],
        containers: [
          {
            name: proxy,
            image: proxyImage,
            imagePullPolicy: 'IfNotPresent',
            ports: [{ containerPort: 80 }],
            livenessProbe: {
              httpGet: { path: '/healthz', port: 80 },
              initialDelaySeconds: 15,
              periodSeconds: 20,
              failureThreshold: 1,
              timeoutSeconds: 5,
            },
            volumeMounts: [{ name: 'nginx-vol', mountPath: '/etc/nginx/nginx.conf', subPath: 'nginx.conf' }],
          },
        ],
      },
    ),
    service(proxy, proxyLabels, 80),
    policy(name),
  ]
}

/** The one Secret that all analyses of a namespace share. */
export const sharedPullSecret = (): FormerObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: PULL_SECRET },
  type: 'kubernetes.io/dockerconfigjson',
  stringData: { '.dockerconfigjson': JSON.stringify({ auths: {} }) },
})
