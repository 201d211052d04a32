"""Findings about manifests in the formats other tools read: SARIF 2.1.0, GitHub annotations, JUnit XML."""
