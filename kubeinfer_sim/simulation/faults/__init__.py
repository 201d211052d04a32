"""Faults put into a run: chosen, and handed to those who know what follows."""
