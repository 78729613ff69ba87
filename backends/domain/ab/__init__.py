"""An A/B: from the bytes of a reply to tokens, runs, figures and a finding."""
