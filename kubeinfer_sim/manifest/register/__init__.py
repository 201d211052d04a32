"""The register: what the simulator makes of each field, annotation and kind that a manifest may hold.

    register(checker, document.value, "Deployment")   # reports what would matter and is not simulated

Rows are data, a module for each subject. `check` compares a manifest with them, `page` makes docs/fields.md.
"""
