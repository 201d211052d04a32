"""Stage timings learned from pods that ran: what kubectl prints of them in, a timings file out."""
