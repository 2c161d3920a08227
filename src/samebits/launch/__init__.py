"""How trials run: fresh process trees below a supervisor, watched, timed, ended, and their facts written down."""
