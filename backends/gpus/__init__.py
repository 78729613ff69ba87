"""GPU telemetry: NVIDIA, AMD and host memory behind one Protocol; what is unknown is explained."""
