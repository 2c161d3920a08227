"""The processes of a trial: its command, the supervisor that runs above it, and what is read of them meanwhile."""
