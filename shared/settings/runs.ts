/** Settings of the pods and proxies of analyses. */
import { boolean, dnsPeers, inGroup, oneOf, quantity, targets, text } from './setting.ts'

export const RUN_SETTINGS = inGroup('runs', {
  NGINX_IMAGE: text({
    default: 'nginxinc/nginx-unprivileged:1.29.8-alpine',
    effect: 'Image of the egress proxy; must run as non-root.',
  }),
  NET_STATS_ENABLED: boolean({ default: 'false', effect: 'Adds the network statistics container.' }),
  NET_STATS_IMAGE: text({ default: 'busybox:1.37', effect: 'Its image.' }),
  POD_SECURITY: oneOf({
    default: 'baseline',
    words: ['baseline', 'restricted'],
    effect: '`restricted` makes analyses run as non-root, too.',
  }),
  ANALYSIS_CPU_REQUEST: quantity({
    default: '10m',
    effect: 'CPU request of an analysis: its share where others want the same core, less than that of a function.',
  }),
  ANALYSIS_CPU_LIMIT: quantity({ default: '', effect: 'CPU limit of an analysis; empty: none.' }),
  ANALYSIS_MEMORY_REQUEST: quantity({ default: '256Mi', effect: 'Memory request of an analysis.' }),
  ANALYSIS_MEMORY_LIMIT: quantity({ default: '8Gi', effect: 'Memory limit of an analysis; empty: none.' }),
  ANALYSIS_DISK_LIMIT: quantity({
    default: '10Gi',
    effect: 'What an analysis may write to the disk of its node, its log included; empty: no limit.',
  }),
  ANALYSIS_PULL_POLICY: oneOf({
    default: 'auto',
    words: ['auto', 'IfNotPresent', 'Always'],
    effect:
      'When the image of an analysis is pulled: `auto` is `Always`, which checks login and tag at each start, and `IfNotPresent` where the image is named by digest.',
  }),
  RUN_PRIORITY_CLASS: text({
    default: '',
    effect: 'PriorityClass of pods of runs, such as `po-runs` of knative/config/priority; empty: that of the cluster.',
  }),
  CLUSTER_DOMAIN: text({ default: 'cluster.local', effect: 'DNS domain of the cluster.' }),
  CLUSTER_RESOLVER: text({
    default: '',
    effect: 'Address of the cluster resolver for the proxies; empty: the one of this process.',
  }),
  DNS_PEERS: dnsPeers({
    default: 'kube-system/k8s-app=kube-dns:53',
    effect:
      'Name servers that policies let pods ask, comma-separated: `namespace/label=value:port` for pods, `a.b.c.d/n:port` for addresses.',
  }),
  NAMESPACE: text({
    default: '',
    effect: "Namespace of analyses; empty: that of the pod's service account or of KUBECONFIG.",
  }),
  SIDECAR_REACH: oneOf({
    default: 'service',
    words: ['service', 'api'],
    effect: 'How analyses are polled: `service` (their proxy) or `api` (through the API server).',
  }),
})

export const ISOLATION_SETTINGS = inGroup('isolation', {
  TOOLS_IMAGE: text({
    default: '',
    effect:
      'Image of the functions, whose program proves the isolation of an analysis before its image starts; empty: none.',
  }),
  ISOLATION_PROOF: oneOf({
    default: 'auto',
    words: ['auto', 'required', 'off'],
    effect:
      '`required`: an analysis starts only if its isolation is proven; `auto`: that, if TOOLS_IMAGE is set; `off`: no proof.',
  }),
  ISOLATION_OUTSIDE: targets({
    default: 'core.privateaim.net:443,1.1.1.1:443',
    effect:
      'What is outside of the cluster and must not be reached, as `host:port`, comma-separated: choose what answers.',
  }),
})
