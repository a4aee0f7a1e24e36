import { dtClusterConformance } from '../../../conformance/dt-cluster.ts'
import { realDt, sandboxDt } from './dt-targets.ts'
import { SHELL_IMAGE } from './targets.ts'

dtClusterConformance("the sandbox's API", sandboxDt, { shellImage: SHELL_IMAGE })

const { TEST_KUBECONFIG, TEST_CLUSTER_NODES, TEST_IMAGE_BUSYBOX = 'dev.local/busybox:1' } = process.env
if (TEST_KUBECONFIG) {
  const shellImage = TEST_CLUSTER_NODES === '1' ? TEST_IMAGE_BUSYBOX : undefined
  dtClusterConformance('a real API server', () => realDt(TEST_KUBECONFIG), { shellImage })
} else {
  process.stderr.write(
    'NOT TESTED: the Cluster suite of twins on a real API server. Set TEST_KUBECONFIG to run it, and TEST_CLUSTER_NODES=1 where pods run.\n',
  )
}
