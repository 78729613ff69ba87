"""Streams as servers, gateways and networks really send them, each with what is true of it."""

from tests.backends.prober.shapes.chunks import CHUNK_SHAPES
from tests.backends.prober.shapes.endings import ENDING_SHAPES
from tests.backends.prober.shapes.http import HTTP_SHAPES
from tests.backends.prober.shapes.sse import SSE_SHAPES

SHAPES = (*SSE_SHAPES, *HTTP_SHAPES, *CHUNK_SHAPES, *ENDING_SHAPES)
