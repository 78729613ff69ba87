"""Whatever is decided, in plain sentences: the only place that has them."""

from backends.domain.decision.wording.answers import advice_reason, now_reason
from backends.domain.decision.wording.exclusions import detail, excluded_because, name_of
from backends.domain.decision.wording.inputs import CAPACITY_NOT_MEASURED, assumptions
from backends.domain.decision.wording.measured import (
    UNPRICED_REMEDY,
    endpoint_sentences,
    measured_sentence,
    traffic_sentences,
)
from backends.domain.decision.wording.reasons import (
    break_even_sentence,
    flips_at,
    horizon_sentence,
    price_flip_sentence,
    reason,
    said_before,
    unlike_sentence,
)

__all__ = [
    "CAPACITY_NOT_MEASURED",
    "UNPRICED_REMEDY",
    "advice_reason",
    "assumptions",
    "break_even_sentence",
    "detail",
    "endpoint_sentences",
    "excluded_because",
    "flips_at",
    "horizon_sentence",
    "measured_sentence",
    "name_of",
    "now_reason",
    "price_flip_sentence",
    "reason",
    "said_before",
    "traffic_sentences",
    "unlike_sentence",
]
