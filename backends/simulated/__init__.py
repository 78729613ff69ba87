"""A simulated vLLM, a simulated serverless endpoint, and the traffic between them and a demo."""
