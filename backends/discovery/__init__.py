"""What a host offers before anything is configured."""
