python -I "$(dirname "$0")/accumulates_gradients.py"
