"""`make demo`: the whole portal on one machine, with a catalogue, customers and a history to look at."""
