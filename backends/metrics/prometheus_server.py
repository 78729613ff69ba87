"""A Prometheus server that already scrapes vLLM, as the source of past traffic."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from backends.domain.money.profile import HourlyProfile, learn
from backends.metrics.http_get import Unreachable, http_get
from backends.problem import Problem

HOUR_S = 3600
DAY_S = 24 * HOUR_S


class PrometheusUnavailable(Problem):
    """The Prometheus server cannot tell; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class PastTraffic:
    """Means over a stretch of the past; None where Prometheus has no such series.

    Attributes:
        requests_per_s: mean rate of finished requests over the hours that Prometheus watched.
        input_tokens: of one request, mean, like `output_tokens`.
    """

    requests_per_s: float | None
    input_tokens: float | None
    output_tokens: float | None
    profile: HourlyProfile


def past_traffic(
    base_url: str, model: str, now_s: float, *, days: int = 7, timeout_s: float = 10.0
) -> PastTraffic:
    """Return the traffic of a model over the last days, with its profile by hour of the day in UTC.

    Args:
        base_url: of the Prometheus server, such as ``http://127.0.0.1:9090``.
        model: the name under which vLLM serves it, the label ``model_name``.
        now_s: seconds since 1970; the stretch ends here.
        days: how long it is.
        timeout_s: for each query.

    Raises:
        PrometheusUnavailable: it does not answer, or answers with an error.
    """
    chosen = f"{{model_name={json.dumps(model)}}}"
    span = f"[{days}d]"

    def grown(series: str) -> float | None:
        query = f"sum(increase({series}{chosen}{span}))"
        return _single(_ask(base_url, "query", {"query": query, "time": now_s}, timeout_s))

    requests = grown("vllm:request_success_total")
    into, out = grown("vllm:prompt_tokens_total"), grown("vllm:generation_tokens_total")
    hourly = {
        "query": f"sum(increase(vllm:request_success_total{chosen}[1h]))",
        "start": now_s - days * DAY_S + HOUR_S,
        "end": now_s,
        "step": HOUR_S,
    }
    profile = _profile(_ask(base_url, "query_range", hourly, timeout_s))
    watched_s = sum(profile.seconds)
    return PastTraffic(
        sum(profile.requests) / watched_s if watched_s > 0 else None,
        into / requests if requests and into is not None else None,
        out / requests if requests and out is not None else None,
        profile,
    )


def _ask(base_url: str, kind: str, query: Mapping[str, object], timeout_s: float) -> list[Any]:
    address = f"{base_url.rstrip('/')}/api/v1/{kind}?{urlencode(query)}"
    try:
        status, body = http_get(address, timeout_s, accept="application/json")
        answer = json.loads(body)
    except Unreachable as error:
        raise PrometheusUnavailable(f"Prometheus: {error}") from error
    except json.JSONDecodeError as error:
        raise PrometheusUnavailable(
            f"{base_url} is no Prometheus server: it answers without JSON; check the address"
        ) from error
    if status != http.client.OK or answer.get("status") != "success":
        why = answer.get("error", f"status {status}")
        raise PrometheusUnavailable(f"{base_url} refused a query ({why}); check its version")
    result: list[Any] = answer["data"]["result"]
    return result


def _single(result: list[Any]) -> float | None:
    return float(result[0]["value"][1]) if result else None


def _profile(result: list[Any]) -> HourlyProfile:
    profile = HourlyProfile()
    for ended_s, grown in result[0]["values"] if result else ():
        # A step's value is what grew in the hour before it.
        hour = int((ended_s - HOUR_S) // HOUR_S) % 24
        profile = learn(profile, hour, float(grown), HOUR_S)
    return profile
