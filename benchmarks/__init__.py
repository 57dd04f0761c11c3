"""How fast telegrams are read, beside other packages that read them: see scripts/bench."""
