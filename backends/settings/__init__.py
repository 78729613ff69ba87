"""The user's configuration, where files live, and where keys come from."""
