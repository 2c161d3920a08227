"""What differs between libraries that are said to do the same: measured from the libraries that are installed."""
