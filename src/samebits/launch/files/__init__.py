"""The user's folders and files around a trial: what is set aside, copied, kept and removed."""
