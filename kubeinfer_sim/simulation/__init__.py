"""One run put together and played."""
