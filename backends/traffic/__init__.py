"""Traffic that was recorded elsewhere: files of any form that people keep, read as one demand."""
