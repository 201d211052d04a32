"""Was it true? A rollout that has happened, as kubectl listed it, beside what many runs of its scenario predict."""
