"""Pages: which emails an organization gets, stopping one kind from a link, and the demo's mailbox."""
