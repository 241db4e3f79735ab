"""What the sandboxes of all apps share: requests and answers, storage, clock, faults, the log of requests."""
