"""Every vLLM server on this host, and what stands in the way of starting one."""
