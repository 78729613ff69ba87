"""The console: wires backends and widgets into an application and a command line."""
