"""Shapes in which an endpoint refuses: limits, cold starts, fields it does not take, errors."""

from collections.abc import Mapping

from backends.simulated.shape import Golden, Refusal, Shape, stream, untaken

_OPTION = "stream_options.continuous_usage_stats"
_LEFT_OUT = ("continuous_usage_stats",)
_LOADING = {"error": "Model m is currently loading", "estimated_time": 0.2}
_LIMITED = {"error": {"message": "rate limit"}}

REFUSAL_SHAPES: Mapping[str, Shape] = {
    "rate-limit": Shape(
        "429 with Retry-After before the first request",
        stream(),
        Golden(waited_for="limited"),
        Refusal(429, {"error": {"message": "slow down"}}, {"retry_after_ms": "200"}),
        times=1,
    ),
    "cold-503": Shape(
        "503 while a replica starts (Hugging Face)",
        stream(),
        Golden(waited_for="unavailable", cold=True),
        Refusal(503, {"error": "503 Service Unavailable"}, {"retry_after": "0.2"}),
        times=2,
    ),
    "cold-loading": Shape(
        "500 with the words that the model loads",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(500, _LOADING),
        times=1,
    ),
    "cold-202": Shape(
        "202 before there is a reply",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(202, {"status": "starting"}, {"retry_after": "0.2"}),
        times=1,
    ),
    "cold-303": Shape(
        "303 to where the reply will be (Modal)",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(303, "", {"location": "/cold-303/v1/chat/completions?later=1"}),
        times=1,
    ),
    "cold-queue": Shape(
        "200 with a place in a queue (RunPod)",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(200, {"id": "sync-1", "status": "IN_QUEUE"}),
        times=1,
    ),
    "refuses-by-words": untaken(
        "temperature",
        Refusal(400, {"error": {"message": "Unsupported value: 'temperature'"}}),
        not_sent=("temperature",),
        flags=("refused_temperature",),
    ),
    "refuses-in-array": untaken(
        _OPTION,
        Refusal(400, [{"error": {"message": 'Unknown name "continuous_usage_stats"'}}]),
        not_sent=_LEFT_OUT,
    ),
    "refuses-by-param": untaken(
        _OPTION,
        Refusal(400, {"error": {"message": "Invalid request body", "param": _OPTION}}),
        not_sent=_LEFT_OUT,
    ),
    "refuses-by-place": untaken(
        _OPTION,
        Refusal(422, {"detail": [{"loc": ["body", *_OPTION.split(".")], "msg": "extra"}]}),
        not_sent=_LEFT_OUT,
    ),
    "refuses-in-text": untaken(
        _OPTION,
        Refusal(400, "unknown field: continuous_usage_stats", content_type="text/plain"),
        not_sent=_LEFT_OUT,
    ),
    "no-key": Shape(
        "401 with the cause at the top",
        golden=Golden("HTTP 401.*missing api-key header", "", None, None, answered_model=None),
        refuses=Refusal(401, {"message": "missing api-key header"}),
        times=-1,
    ),
    "web-page": Shape(
        "502 with a web page",
        golden=Golden(
            *("it says: 502 Bad Gateway", "", None, None),
            answered_model=None,
            waited_for="unavailable",
        ),
        refuses=Refusal(
            502, "<html><head><title>502 Bad Gateway</title></head></html>", {}, "text/html"
        ),
        times=-1,
    ),
    "nested-error": Shape(
        "400 with the cause behind a gateway (OpenRouter)",
        golden=Golden(
            "longer than the endpoint takes",
            "",
            None,
            None,
            answered_model=None,
        ),
        refuses=Refusal(
            400,
            {
                "error": {
                    "message": "Provider returned error",
                    "metadata": {"raw": '{"error":{"message":"too long"}}'},
                }
            },
        ),
        times=-1,
    ),
    "filter-400": Shape(
        "400 of a filter, which names the prompt (Azure)",
        golden=Golden("HTTP 400.*was filtered", "", None, None, answered_model=None),
        refuses=Refusal(
            400,
            {"error": {"message": "It was filtered", "param": "prompt", "code": "content_filter"}},
        ),
        times=-1,
    ),
    "cold-sleeping": Shape(
        "503 of a vLLM that sleeps",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(503, {"error": {"message": "Engine is sleeping"}}, {"retry_after": "0.2"}),
        times=1,
    ),
    "cold-llamacpp": Shape(
        "503 of a llama.cpp that loads",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(503, {"error": {"message": "Loading model"}}, {"retry_after": "0.2"}),
        times=1,
    ),
    "quota": Shape(
        "429 without credit, for which nobody need wait (OpenAI)",
        golden=Golden("exceeded your current quota", "", None, None, answered_model=None),
        refuses=Refusal(
            429,
            {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}},
        ),
        times=-1,
    ),
    "limit-billing": Shape(
        "429 that names the billing and yet passes (Gemini)",
        stream(),
        Golden(waited_for="limited"),
        Refusal(
            429,
            [
                {
                    "error": {
                        "message": "You exceeded your current quota, please check billing details",
                        "details": [{"retryDelay": "0.2s"}],
                    }
                }
            ],
        ),
        times=1,
    ),
    "cold-in-progress": Shape(
        "200 with a job that is worked on, twice (RunPod)",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(200, {"delayTime": 1200, "id": "a", "status": "IN_PROGRESS", "workerId": "w"}),
        times=2,
    ),
    "cold-303-query": Shape(
        "303 to the same path with another query (Modal)",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(303, "", {"location": "?__modal_function_call_id=fc-1"}),
        times=1,
    ),
    "cold-estimated": Shape(
        "503 with an estimate of the time left (Hugging Face)",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(503, {**_LOADING, "estimated_time": 0.3}),
        times=1,
    ),
    "limit-now": Shape(
        "429 in plain text that may be asked again at once (Baseten)",
        stream(),
        Golden(waited_for="limited"),
        Refusal(429, "Too Many Requests", {"retry_after": "0"}, "text/plain"),
        times=1,
    ),
    "limit-past": Shape(
        "429 until a day that is over",
        stream(),
        Golden(waited_for="limited"),
        Refusal(429, _LIMITED, {"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        times=1,
    ),
    "limit-negative": Shape(
        "429 for a time below nothing",
        stream(),
        Golden(waited_for="limited"),
        Refusal(429, _LIMITED, {"retry_after": "-5"}),
        times=1,
    ),
    "limit-beyond": Shape(
        "429 for longer than anybody waits",
        golden=Golden("HTTP 429.*beyond --timeout", "", None, None, answered_model=None),
        refuses=Refusal(429, _LIMITED, {"retry_after": "99999999999999999999"}),
        times=-1,
    ),
    "limit-tokens": Shape(
        "429 with one limit used up of two (Groq)",
        stream(),
        Golden(waited_for="limited"),
        Refusal(
            429,
            _LIMITED,
            {
                "x_ratelimit_reset_requests": "1m2.5s",
                "x_ratelimit_remaining_requests": "12",
                "x_ratelimit_reset_tokens": "17ms",
                "x_ratelimit_remaining_tokens": "0",
            },
        ),
        times=1,
    ),
    "limit-words": Shape(
        "429 that says the time in words (OpenAI)",
        stream(),
        Golden(waited_for="limited"),
        Refusal(429, {"error": {"message": "Rate limit reached. Please try again in 120ms."}}),
        times=1,
    ),
    "too-long": Shape(
        "400 that names the context length (vLLM)",
        golden=Golden("longer than the 8,192 tokens that", "", None, None, answered_model=None),
        refuses=Refusal(
            400,
            {"error": {"message": "This model's maximum context length is 8192 tokens."}},
        ),
        times=-1,
    ),
    "refuses-in-python": untaken(
        _OPTION,
        Refusal(
            422,
            {
                "object": "error",
                "message": "[{'loc': ('body', 'stream_options', 'continuous_usage_stats')}]",
                "param": None,
            },
        ),
        not_sent=_LEFT_OUT,
    ),
    "limit-daily": Shape(
        "429 for the rest of the day, for which nobody waits (Cloudflare)",
        golden=Golden("HTTP 429.*daily free allocation", "", None, None, answered_model=None),
        refuses=Refusal(
            429,
            {
                "success": False,
                "errors": [
                    {"code": 3036, "message": "You have used up your daily free allocation."}
                ],
            },
        ),
        times=-1,
    ),
    "limit-wait": Shape(
        "429 that says how long to wait (GitHub Models)",
        stream(),
        Golden(waited_for="limited"),
        Refusal(
            429,
            {
                "error": {
                    "code": "RateLimitReached",
                    "message": "Rate limit of 10 per 60s exceeded. Please wait 2 seconds.",
                }
            },
        ),
        times=1,
    ),
    "limit-in-200": Shape(
        "200 with a limit under keys of its own (Baidu)",
        stream(),
        Golden(waited_for="limited"),
        Refusal(200, {"error_code": 18, "error_msg": "Open api qps request limit reached"}),
        times=1,
    ),
    "limit-498": Shape(
        "a status of its own for a tier that is full (Groq)",
        stream(),
        Golden(waited_for="limited"),
        Refusal(498, {"error": {"message": "Flex tier capacity exceeded."}}),
        times=1,
    ),
    "cold-400": Shape(
        "400 while a replica starts, which refuses no field (Baseten)",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(400, {"error": "Model is not ready, it is still building or scaling up."}),
        times=1,
    ),
    "cold-queue-url": Shape(
        "200 with a place in a queue, and where to look (fal)",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(
            200,
            {
                "status": "IN_QUEUE",
                "status_url": "/cold-queue-url/v1/chat/completions?status=1",
            },
        ),
        times=1,
    ),
    "no-model": Shape(
        "400 that names the model, and refuses no field (SiliconFlow)",
        golden=Golden("Model does not exist", "", None, None, answered_model=None),
        refuses=Refusal(400, {"code": 20012, "message": "Model does not exist.", "data": None}),
        times=-1,
    ),
    "error-list": Shape(
        "400 with a list of causes",
        golden=Golden(
            "first cause; second cause", "", None, None, answered_model=None, not_sent=_LEFT_OUT
        ),
        refuses=Refusal(400, {"error": ["first cause", "second cause"]}),
        times=-1,
    ),
    "error-in-string": Shape(
        "500 with a document in a string in a document",
        golden=Golden("HTTP 500.*no room left", "", None, None, answered_model=None),
        refuses=Refusal(
            500,
            {"error": {"message": '{"error":{"message":"{\\"message\\":\\"no room left\\"}"}}'}},
        ),
        times=-1,
    ),
    "error-status-code": Shape(
        "200 with an error under a key of its own (MiniMax)",
        golden=Golden("reported: insufficient balance", "", None, None, answered_model=None),
        refuses=Refusal(
            200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}
        ),
        times=-1,
    ),
}
