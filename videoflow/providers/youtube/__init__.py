"""YouTube through its official API: sign-in, resumable upload, metadata, quota. Own clients, no browser, no other service."""
