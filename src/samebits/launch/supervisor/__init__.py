"""The process that stands between the launcher and a trial (`__main__`), and how it finds what is below it."""
