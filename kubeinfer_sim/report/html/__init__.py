"""Pages with pictures: one file each that needs no other, for those who decide and were not there.

A new page is a function that makes a `Page` (see `page.py`) of what a command came to; `render.py` writes it.
"""
