"""What people do in a run: a module for each sort of thing they do it to, which names the actions it takes."""
