"""The paper's study, run again: trainings by plain scripts, everything after training in here."""
