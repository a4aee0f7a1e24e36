import { clusterConformance } from '../../../conformance/cluster.ts'
import { realTarget, SHELL_IMAGE, sandboxTarget } from './targets.ts'

clusterConformance("the sandbox's API", sandboxTarget, { shellImage: SHELL_IMAGE })

const { TEST_KUBECONFIG, TEST_CLUSTER_NODES, TEST_IMAGE_BUSYBOX = 'dev.local/busybox:1' } = process.env
if (TEST_KUBECONFIG) {
  const shellImage = TEST_CLUSTER_NODES === '1' ? TEST_IMAGE_BUSYBOX : undefined
  clusterConformance('a real API server', () => realTarget(TEST_KUBECONFIG), { shellImage })
} else {
  process.stderr.write(
    'NOT TESTED: the Cluster suite on a real API server. Set TEST_KUBECONFIG to run it, and TEST_CLUSTER_NODES=1 where pods run.\n',
  )
}
