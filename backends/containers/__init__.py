"""Container engines: docker and podman, each asked over its own Unix socket."""
