"""What `import vbench` offers: the commands as functions, and a run as an object."""
