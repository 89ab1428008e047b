"""Files as arrays: pictures, volumes and series of every format, brought to one grid, kept as memory maps."""
