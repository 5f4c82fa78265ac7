"""What an email is made of: who receives it, its text from templates, and the demo's mailbox."""
