"""Load: concurrency limits, deadlines, body limits and load shedding."""
