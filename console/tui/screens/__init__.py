"""The screens: each arranges widgets and hands them their views."""
