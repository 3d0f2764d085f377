"""`python -m vbench`, where the command is not on the path."""

from vbench.cli import main

if __name__ == "__main__":
    main(prog_name="vbench")
