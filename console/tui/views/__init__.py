"""The projection: pure functions from the session and the settings to what each widget shows."""
