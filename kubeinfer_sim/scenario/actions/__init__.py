"""What people do on the time line, as written, checked and played."""
