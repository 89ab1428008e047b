"""The parts of the command line, one module a command, imported when they are called."""
