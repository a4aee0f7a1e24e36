/** Sentences for the reasons that Kubernetes reports of a container. */

/** Reasons for which a waiting container does not start unless something changes. */
export const UNSTARTABLE: Readonly<Record<string, string>> = {
  ErrImagePull: 'its image cannot be pulled',
  ImagePullBackOff: 'its image cannot be pulled',
  InvalidImageName: 'the name of its image is not valid',
  ErrImageNeverPull: 'its image is not on the node and may not be pulled',
  CreateContainerConfigError: 'its container configuration is not valid',
  CreateContainerError: 'its container cannot be created',
  RunContainerError: 'its container cannot be run',
}

export const describeExit = ({ reason, exitCode }: { readonly reason: string; readonly exitCode: number }): string =>
  reason === 'OOMKilled'
    ? 'it used more memory than its limit and was ended (OOMKilled)'
    : `its process ended with exit code ${exitCode}`
