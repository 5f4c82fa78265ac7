"""What can be done with people, organizations and keys."""
