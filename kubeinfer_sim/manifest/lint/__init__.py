"""Lint: what is valid and will hurt all the same, with the number that makes it true for this manifest.

    findings = lint(manifests.written, Expectations(load=lambda template: LoadTime(163, 1249, 3032)))

A rule is a function in one of the `*_rules` modules. `catalogue.py` has them all, `shown_by_runs.py` those that a run
needs: a rule is there once its module is imported.
"""
