"""Pure arithmetic of usage: which events count, what a window's overage is, and how it is paid."""
