"""What a key and a verb both do, without a terminal."""
