"""What a vLLM start tells about itself: log lines -> facts -> one `Start`, and why it failed."""
