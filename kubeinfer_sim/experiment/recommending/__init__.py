"""Changes of a manifest, or spare nodes, with which objectives are met."""
