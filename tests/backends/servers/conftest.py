"""The bench of the keeper's tests serves those of the servers as well."""

from tests.backends.keeper.conftest import bench

__all__ = ["bench"]
