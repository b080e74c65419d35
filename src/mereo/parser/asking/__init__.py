"""How a parser answers for one photograph: one pass, scales and mirrors, tiles; what each kind of head says."""
