"""The keeper: one small detached process that starts, watches and ends one server."""
