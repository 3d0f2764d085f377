"""Results of other tools as run folders: answers that somebody else measured, scored here."""
