"""Streams: from the bytes of a reply to tokens, from tokens to figures and a finding."""
