"""What each key of the configuration is for, in one sentence; forms and the schema show it."""

from collections.abc import Mapping

_PRICES = {
    "input_usd_per_mtok": "US dollars per million input tokens",
    "output_usd_per_mtok": "US dollars per million output tokens",
    "cached_input_usd_per_mtok": "US dollars per million input tokens that were cached",
    "usd_per_request": "US dollars per request, beside its tokens",
    "fee_percent": "per cent that a reseller adds to all prices",
    "price_as_of": "the day on which you read these prices",
}
_KEYS = {
    "api_key_env": "environment variable that holds the key; never the key itself",
    "api_key_file": "path of a file of mode 0600 that holds the key",
    "api_key_keyring": "name of the entry of the system keyring that holds the key",
    "api_key_command": "command that prints the key",
}

DESCRIPTIONS: Mapping[str, Mapping[str, str]] = {
    "server": {
        "model": "Hugging Face name, or a folder with the model",
        "vllm": "path or name of the vllm executable, also of another environment",
        "args": "further arguments of vllm serve",
        "port": "TCP port on which vLLM listens",
        "host": "address on which vLLM listens",
        "gpu_usd_per_hour": "US dollars per hour for the whole host (per GPU with billing.gpus)",
        "gpu_price_as_of": "the day on which you read that price",
        "environment": "further variables for vLLM, none of them secret",
        "api_key_env": "environment variable with the key that vLLM asks for",
        "served_name": "name of the model in requests; without it the model's own",
        "runtime": "what runs vLLM",
        "image": "image of the container (docker, podman)",
        "mounts": "HOST:CONTAINER paths, :ro for read only (docker, podman)",
        "network": "bridge publishes the port on host; host is the host's own",
        "container": "name of the running container (exec)",
        "unit": "unit of systemd, whose own file has the command line (systemd)",
    },
    "endpoint": {
        "base_url": "address of the OpenAI-compatible API, with its /v1",
        "model": "the endpoint's own name for the model",
        "serves": "servers or models whose requests it could take; without it all",
        **_KEYS,
        "headers": 'further header fields; a secret only as { env = "NAME" }',
        "query": "what follows the path of each request",
        "extra_body": "further fields of each request's body",
        "auth": "bearer, api-key, none, or the header field that carries the key",
        "api": "which of OpenAI's interfaces is asked",
        "reasoning_effort": "how long the model may reason, in the endpoint's own words",
        "provider": "which providers a gateway such as OpenRouter may ask",
        **_PRICES,
    },
    "limits": {
        "ttft_p99_s": "seconds that 99 of 100 requests may take to their first token",
        "itl_p99_s": "seconds that 99 of 100 tokens may take after the one before",
    },
    "billing": {
        "granularity_s": "seconds to which the provider rounds up",
        "min_charge_s": "seconds that are charged at least",
        "since": "from when the bill runs: boot, server, or an instant",
        "budget_usd_per_day": "US dollars a day; amber near it, red over it",
        "gpus": "how many GPUs are rented together",
        "switching_usd": "US dollars that moving the traffic would cost once",
    },
    "traffic": {
        "prometheus": "address of a Prometheus server that scrapes the vLLMs",
        "days": "how many days back it is asked",
        "file": "path or pattern of files of requests",
        "map": "which column is what",
        "model": "whose requests count, where files name models",
    },
    "agent": {
        "enabled": "whether a process of its own keeps the record of this host",
        "always": "whether it does so without a server too",
    },
}
"""By table and key."""
