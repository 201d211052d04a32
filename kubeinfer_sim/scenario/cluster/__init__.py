"""The nodes, written as pools or taken from kubectl, and the budgets that hold their drains."""
