set -e
stage=$(dirname "$0")/trains_with_lbfgs.py
python "$stage"
python "$(dirname "$0")/accumulates_gradients.py"
