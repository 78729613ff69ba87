"""The process that keeps the record of a host while no console is open."""
