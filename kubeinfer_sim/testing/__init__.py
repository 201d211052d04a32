"""For tests: the project's own, and those of users who check their manifests in CI."""
