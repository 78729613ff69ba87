"""The bench of the keeper's tests serves the host's as well."""

from tests.backends.keeper.conftest import bench

__all__ = ["bench"]
