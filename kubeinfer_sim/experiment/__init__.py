"""Simulations put together and run."""
