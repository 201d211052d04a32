"""Findings and verdicts in the formats other tools read: SARIF 2.1.0, GitHub annotations, JUnit XML, our own JSON."""
