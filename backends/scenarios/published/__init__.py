"""What published comparisons claim, beside what their own figures give."""
