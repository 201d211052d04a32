"""`python -m kubeinfer_sim`."""

from kubeinfer_sim.cli import main

if __name__ == "__main__":
    main()
