"""The bench of the keeper's tests serves the list of servers as well."""

from tests.backends.keeper.conftest import bench

__all__ = ["bench"]
