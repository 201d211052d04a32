"""Rules of Custom recovery, as written, checked and played."""
