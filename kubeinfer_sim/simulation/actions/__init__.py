"""What people do in a run, a module for what they do it to; each says which actions are its own."""
