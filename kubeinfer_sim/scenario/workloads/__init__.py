"""The objects a scenario is about: manifests, their versions, Deployments."""
