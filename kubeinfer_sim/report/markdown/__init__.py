"""Reports as Markdown, for comments on a change: thirty lines at most, of which the first tells how it came out."""
