"""What a webhook is made of: the address it may go to, its signature, and the HTTP request."""
