"""Training: back-propagation through time, cross-entropy at every step, in runs that can be left and resumed."""
