"""What a machine is like to measure on: `vbench doctor`."""
